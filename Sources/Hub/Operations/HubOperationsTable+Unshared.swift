package import HTTP

/// Parts of paths, for code that looks at a path alone: without finding its operation, and however the rest of it is written.
extension HubOperationsTable {
    /// In the paths of operations for which each client makes its own call.
    package static let unshared = PathParts(whole: words(.unshared))
    /// In the paths of operations that give a client access to Xet.
    package static let xetTokens = PathParts(whole: words(.xetToken))

    /// The last literal segment of each, with its slash.
    private static func words(_ note: HubOperationRow.Notes) -> [String] {
        Set(
            all.filter { $0.notes.contains(note) }.compactMap { row in
                row.path.prefix { $0 != "[" }.split(separator: "/").last { !$0.hasPrefix("{") }.map { "/\($0)" }
            }
        ).sorted()
    }
}
