package import HTTP

/// What the Hub counts together of one credential's requests (docs/hub-api.md).
package enum HubBucket: Int, CaseIterable, Sendable {
    case api, resolvers, pages

    /// As the Hub's fields name it.
    package var name: String {
        switch self {
        case .api: "api"
        case .resolvers: "resolvers"
        case .pages: "pages"
        }
    }

    init?(name: ArraySlice<UInt8>) {
        guard let found = Self.allCases.first(where: { name.elementsEqual($0.name.utf8) }) else { return nil }
        self = found
    }
}

/// Which requests are surely in one bucket: what the Hub says of one of them is so for the others.
package enum HubPathClass: Int, CaseIterable, Sendable {
    /// `/…/resolve/…`: files and their metadata.
    case resolve
    /// Where the Hub redirects those of files that are in git.
    case resolveCache
    case api
    /// git and Git LFS.
    case git
    case page

    private static let resolving: PathParts = ["/resolve/"]
    private static let ofGit: PathParts = ["/info/lfs/", "/info/refs", "/git-upload-pack", "/git-receive-pack"]

    /// Of a path from the Hub's root.
    package init(_ target: Target) {
        if target.pathBegins(with: "/api/") {
            self = target.pathBegins(with: "/api/resolve-cache/") ? .resolveCache : .api
        } else if target.pathContains(anyOf: Self.resolving) {
            self = .resolve
        } else {
            self = target.pathContains(anyOf: Self.ofGit) ? .git : .page
        }
    }

    /// As long as the Hub has not named it.
    package var likelyBucket: HubBucket {
        switch self {
        case .resolve, .resolveCache: .resolvers
        case .api: .api
        case .git, .page: .pages
        }
    }
}
