package import HTTP

/// Words of paths, for those who look at a path alone: without finding its operation, and however the rest of it is written.
extension HubOperationsTable {
    /// In the paths of operations that each client asks for itself.
    package static let unshared = PathParts(whole: words(.unshared))
    /// In those of operations that let a client into Xet.
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
