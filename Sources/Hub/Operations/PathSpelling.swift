import HTTP

/// For a path that matches no row: whether its spelling is the reason.
enum PathSpelling {
    /// Whether each reader takes it as the same path: no escape, no empty segment, no dot segment, no `;`, no backslash, no `.git`.
    /// A slash at the end makes another path here, and the same one for many servers.
    static func isPlain(_ path: Span<UInt8>) -> Bool {
        guard path.count > 1 else { return path.count == 1 && path[0] == UInt8(ascii: "/") }
        guard path[0] == UInt8(ascii: "/") else { return false }
        var start = 1
        while start <= path.count {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            let segment = path.extracting(start..<end)
            guard SegmentSyntax.isWord(segment), !SegmentSyntax.endsWithGit(segment) else { return false }
            start = end + 1
        }
        return true
    }

    /// Whether it matches a row once its capital letters are small: a server may not distinguish them.
    static func meansAnother(_ path: Span<UInt8>, in tree: OperationTree) -> Bool {
        var small: [UInt8] = []
        small.reserveCapacity(path.count)
        for index in path.indices { small.append(path[index].asciiLowercased) }
        return tree.match(small.span) != nil
    }

    /// The repository that a plain path is probably about, so that a rule that denies can match it.
    static func resource(of target: Target) -> HubResource {
        let path = target.pathAndQuery.utf8.span.extracting(first: target.pathLength)
        var bounds: [Range<Int>] = []
        var start = 1
        while start <= path.count, bounds.count < 5 {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            bounds.append(start..<end)
            start = end + 1
        }
        func text(_ index: Int) -> String {
            index < bounds.count
                ? String(
                    Substring(target.pathAndQuery.utf8.dropFirst(bounds[index].lowerBound).prefix(bounds[index].count)))
                : ""
        }
        var first = text(0) == "api" ? 1 : 0
        let kind = ResourceKind.allCases.first { $0.path == text(first) }
        if kind != nil { first += 1 } else if first == 1 { return .none }
        guard first + 1 < bounds.count, SegmentSyntax.isName(path.extracting(bounds[first])),
            SegmentSyntax.isName(path.extracting(bounds[first + 1]))
        else { return .none }
        return HubResource(.repo, kind ?? .model, target.pathAndQuery, bounds[first], bounds[first + 1]).knowingOwn
    }
}
