package import HTTP

/// The requests of one credential that the Hub counts together (docs/hub-api.md).
package enum HubBucket: Int, CaseIterable, Sendable {
    case api, resolvers, pages

    /// Its name in the Hub's fields.
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

/// Requests that are surely in one bucket: what the Hub says about one of them holds for the others.
package enum HubPathClass: Int, CaseIterable, Sendable {
    /// `/…/resolve/…`: files and their metadata.
    case resolve
    /// The target of the Hub's redirects for files that are in git.
    case resolveCache
    case api
    /// git and Git LFS.
    case git
    case page

    private static let resolving: PathParts = ["/resolve/"]
    private static let ofGit: PathParts = ["/info/lfs/", "/info/refs", "/git-upload-pack", "/git-receive-pack"]

    /// For a path from the Hub's root.
    package init(_ target: Target) {
        if target.pathBegins(with: "/api/") {
            self = target.pathBegins(with: "/api/resolve-cache/") ? .resolveCache : .api
        } else if target.pathContains(anyOf: Self.resolving) {
            self = .resolve
        } else {
            self = target.pathContains(anyOf: Self.ofGit) ? .git : .page
        }
    }

    /// The bucket as long as the Hub has not named it.
    package var likelyBucket: HubBucket {
        switch self {
        case .resolve, .resolveCache: .resolvers
        case .api: .api
        case .git, .page: .pages
        }
    }
}
