import HTTP

/// A row's path in its parts: each spelling of it as a list of segments.
package struct OperationPattern: Sendable {
    package enum Segment: Sendable, Equatable {
        case literal(String)
        /// A name by the Hub's rules: of an owner, of a repository, of one with `.git` at its end.
        case owner, name, gitName
        /// An owner that is the whole resource.
        case namespace
        case number
        /// Letters, digits and marks, not encoded.
        case word
        /// One segment, percent-encoded as received: a revision.
        case text
        /// One or more of these.
        case rest
    }

    package let kind: ResourceKind?
    package let segments: [Segment]

    /// Pages of a repository that only read it.
    package static let pages = [
        "tree", "blob", "blame", "commits", "commit", "discussions", "edit", "upload", "community", "viewer",
        "embed",
    ]

    /// All spellings of the path of `row`.
    package static func all(of row: HubOperationRow) -> [OperationPattern] {
        var found: [OperationPattern] = []
        for (path, kind) in kinds(row.path) {
            // Not where a revision follows: the name could be taken as that.
            let mayOmitOwner =
                row.methods == [.get] && (kind == .model || kind == .dataset) && !path.contains("{id}/{rev}")
            for spelling in spellings(path, mayOmitOwner: mayOmitOwner) {
                let segments = spelling.split(separator: "/").map(segment)
                found.append(OperationPattern(kind: segments.contains(where: isName) ? kind : nil, segments: segments))
            }
        }
        return found
    }

    /// With each kind in place of `{T}`. A page or file of a model has none.
    private static func kinds(_ path: String) -> [(String, ResourceKind?)] {
        let repositories: [ResourceKind] = [.model, .dataset, .space, .kernel]
        if path.contains("[{T}/]") {
            return repositories.map { kind in
                (path.replacing("[{T}/]", with: kind == .model ? "" : kind.path + "/"), kind)
            }
        }
        guard path.contains("{T}") else {
            let kind: ResourceKind = path.contains("buckets/") ? .bucket : path.contains("spaces/") ? .space : .model
            return [(path, kind)]
        }
        return repositories.map { (path.replacing("{T}", with: $0.path), $0) }
    }

    /// Without and with optional parts, from the inside out; and the name of a repository in each form.
    private static func spellings(_ path: String, mayOmitOwner: Bool) -> [String] {
        var found = [path]
        while found.contains(where: { $0.contains("[") }) {
            found = found.flatMap { path -> [String] in
                guard let opening = path.lastIndex(of: "["), let closing = path[opening...].firstIndex(of: "]") else {
                    return [path]
                }
                let before = path[..<opening]
                let after = path[path.index(after: closing)...]
                return [before + after, before + path[path.index(after: opening)..<closing] + after].map(String.init)
            }
        }
        found = found.flatMap { path in
            path.contains("{page}")
                ? pages.flatMap {
                    [path.replacing("{page}", with: $0), path.replacing("{page}", with: $0 + "/{path}")]
                }
                : [path]
        }
        return found.flatMap { path -> [String] in
            guard path.contains("{id}") else { return [path] }
            let owned = path.replacing("{id}.git", with: "{owner}/{git}").replacing("{id}", with: "{owner}/{name}")
            let alone = path.replacing("{id}.git", with: "{git}").replacing("{id}", with: "{name}")
            return mayOmitOwner ? [alone, owned] : [owned]
        }
    }

    private static func segment(_ text: Substring) -> Segment {
        switch text {
        case "{owner}": .owner
        case "{name}": .name
        case "{git}": .gitName
        case "{ns}": .namespace
        case "{n}": .number
        case "{x}": .word
        case "{rev}": .text
        case "{path}": .rest
        default: .literal(String(text))
        }
    }

    private static func isName(_ segment: Segment) -> Bool { segment == .name || segment == .gitName }
}
