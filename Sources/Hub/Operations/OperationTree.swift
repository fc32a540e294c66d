import HTTP

/// The rows of the table by the segments of their paths: a tree in three flat arrays, searched without an allocation.
struct OperationTree: Sendable {
    struct Node: Sendable {
        var literals = 0..<0
        /// The nodes after a segment of this form; -1 for none.
        var owner = -1, name = -1, gitName = -1, namespace = -1, number = -1, word = -1, text = -1, rest = -1
        /// The rows whose paths end here.
        var ends = 0..<0
    }

    struct Literal: Sendable {
        let bytes: Range<Int>
        let node: Int
    }

    struct End: Sendable {
        let method: Method
        let row: Int
        let kind: ResourceKind?
    }

    /// The end of a search: the rows there, and the parts of the path that are names.
    struct Match {
        var ends = 0..<0
        var owner = 0..<0
        var name = 0..<0
        var namespace = 0..<0
    }

    private(set) var nodes: [Node] = []
    private(set) var literals: [Literal] = []
    private(set) var letters: [UInt8] = []
    private(set) var ends: [End] = []

    init(_ rows: [HubOperationRow], at origin: HubOperationRow.Origin) {
        let root = OperationBranch()
        for (index, row) in rows.enumerated() where row.origin == origin {
            for pattern in OperationPattern.all(of: row) {
                var branch = root
                for segment in pattern.segments { branch = branch[segment] }
                branch.ends += row.methods.map { End(method: $0, row: index, kind: pattern.kind) }
            }
        }
        _ = add(root)
    }

    private mutating func add(_ branch: OperationBranch) -> Int {
        let index = nodes.count
        nodes.append(Node())
        nodes[index].ends = ends.count..<ends.count + branch.ends.count
        ends += branch.ends
        var found: [Literal] = []
        for (segment, child) in branch.children {
            let node = add(child)
            switch segment {
            case .literal(let text):
                found.append(Literal(bytes: letters.count..<letters.count + text.utf8.count, node: node))
                letters += text.utf8
            case .owner: nodes[index].owner = node
            case .name: nodes[index].name = node
            case .gitName: nodes[index].gitName = node
            case .namespace: nodes[index].namespace = node
            case .number: nodes[index].number = node
            case .word: nodes[index].word = node
            case .text: nodes[index].text = node
            case .rest: nodes[index].rest = node
            }
        }
        nodes[index].literals = literals.count..<literals.count + found.count
        literals += found
        return index
    }

    /// The row for a method among those that end at a place of the tree.
    func end(_ method: Method, in range: Range<Int>) -> End? {
        // RFC 9110 section 9.3.2: HEAD is GET without the content.
        let wanted = method == .head ? .get : method
        for index in range where ends[index].method == wanted { return ends[index] }
        return nil
    }

    /// The most specific pattern that the path matches; nil for none.
    func match(_ path: Span<UInt8>) -> Match? {
        guard !path.isEmpty, path[0] == UInt8(ascii: "/") else { return nil }
        var match = Match()
        return walk(path, 1, nodes.span, 0, &match) ? match : nil
    }

    /// Continues at the segment that begins at `start`. Only the way that leads to an end writes into `match`.
    private func walk(_ path: Span<UInt8>, _ start: Int, _ nodes: Span<Node>, _ index: Int, _ match: inout Match)
        -> Bool
    {
        if start > path.count {
            match.ends = nodes[index].ends
            return !match.ends.isEmpty
        }
        var end = start
        while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
        let node = nodes[index]
        let segment = path.extracting(start..<end)
        switch literal(segment, node.literals) {
        case .none: break
        case .same(let next): return walk(path, end + 1, nodes, next, &match)
        // A server may not distinguish `/API` from `/api`: then it is no owner's name either.
        case .otherCase: return false
        }
        if node.gitName >= 0, SegmentSyntax.endsWithGit(segment), segment[segment.count - 1] == UInt8(ascii: "t"),
            isGitName(segment), walk(path, end + 1, nodes, node.gitName, &match)
        {
            match.name = start..<end - 4
            return true
        }
        if node.number >= 0, SegmentSyntax.isNumber(segment) { return walk(path, end + 1, nodes, node.number, &match) }
        if node.owner >= 0 || node.name >= 0 || node.namespace >= 0, SegmentSyntax.isName(segment) {
            if node.namespace >= 0, walk(path, end + 1, nodes, node.namespace, &match) {
                match.namespace = start..<end
                return true
            }
            if node.name >= 0, walk(path, end + 1, nodes, node.name, &match) {
                match.name = start..<end
                return true
            }
            if node.owner >= 0, walk(path, end + 1, nodes, node.owner, &match) {
                match.owner = start..<end
                return true
            }
        }
        if node.word >= 0, SegmentSyntax.isWord(segment), walk(path, end + 1, nodes, node.word, &match) { return true }
        if node.text >= 0, SegmentSyntax.isText(segment), walk(path, end + 1, nodes, node.text, &match) { return true }
        guard node.rest >= 0, isRest(path, start) else { return false }
        match.ends = nodes[node.rest].ends
        return true
    }

    private enum Found {
        case none, otherCase
        case same(Int)
    }

    private func literal(_ segment: Span<UInt8>, _ range: Range<Int>) -> Found {
        var found = Found.none
        for index in range {
            let literal = literals[index]
            guard literal.bytes.count == segment.count else { continue }
            let letters = letters.span.extracting(literal.bytes)
            guard letters.isCaselessly(segment) else { continue }
            var offset = 0
            while offset < segment.count, letters[offset] == segment[offset] { offset += 1 }
            if offset == segment.count { return .same(literal.node) }
            found = .otherCase
        }
        return found
    }

    private func isGitName(_ segment: Span<UInt8>) -> Bool {
        let end = segment.extracting(last: 4)
        return end[1] == UInt8(ascii: "g") && end[2] == UInt8(ascii: "i")
            && SegmentSyntax.isName(segment.extracting(first: segment.count - 4))
    }

    private func isRest(_ path: Span<UInt8>, _ start: Int) -> Bool {
        var start = start
        while start <= path.count {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            guard SegmentSyntax.isText(path.extracting(start..<end)) else { return false }
            start = end + 1
        }
        return true
    }
}

/// A node while the tree is made.
private final class OperationBranch {
    var children: [(segment: OperationPattern.Segment, branch: OperationBranch)] = []
    var ends: [OperationTree.End] = []

    /// The branch after `segment`, made if there is none.
    subscript(segment: OperationPattern.Segment) -> OperationBranch {
        if let child = children.first(where: { $0.segment == segment }) { return child.branch }
        let branch = OperationBranch()
        children.append((segment, branch))
        return branch
    }
}
