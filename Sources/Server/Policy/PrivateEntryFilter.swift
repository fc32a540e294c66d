import Hub

/// Removes private entries that a scope may not read, and repositories in the trash, from a list of the Hub's, a JSON array that comes in pieces.
/// An entry stays if it says that it is not private, or if it may be read. One entry is held at a time; the output does not depend on where the pieces
/// were cut.
struct PrivateEntryFilter {
    private enum State {
        case before, betweenEntries, entry, string, after
    }

    /// Bytes of one entry: with all its files listed a model has some hundred thousand.
    static let longestEntry = 1 << 20

    private let kind: ResourceKind?
    /// Nil: all may be read.
    private let scope: Scope?
    private let hidesTrash: Bool
    private var state = State.before
    private var entry: [UInt8] = []
    private var depth = 0
    private var isEscaped = false
    private var hasKept = false

    /// `kind` is that of the entries.
    init(_ kind: ResourceKind?, _ scope: Scope?, hidesTrash: Bool = false) {
        self.hidesTrash = hidesTrash
        self.kind = kind
        self.scope = scope
    }

    /// What can go out. Throws `hubBroken` for anything but an array, and for an entry that is too long.
    mutating func rewrite(_ piece: Span<UInt8>) throws(Failure) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < piece.count {
            switch state {
            case .before, .betweenEntries, .after:
                if try take(piece[index], &output) { index += 1 }
            case .entry, .string:
                let start = index
                let isOver = try inEntry(piece, &index)
                try hold(piece.extracting(start..<index))
                if isOver { judge(&output) }
            }
        }
        return output
    }

    /// The list has ended: throws `hubBroken` if the array had no end, since then only a part of it went out.
    func finish() throws(Failure) {
        guard state == .after else { throw .hubBroken("its list has no end") }
    }

    /// Outside of entries. False: an entry begins with this byte.
    private mutating func take(_ byte: UInt8, _ output: inout [UInt8]) throws(Failure) -> Bool {
        if Self.isSpace(byte) {
            if state == .after { output.append(byte) }
            return true
        }
        switch (state, byte) {
        case (.before, UInt8(ascii: "[")):
            output.append(byte)
            state = .betweenEntries
        case (.before, _): throw .hubBroken("its list is no JSON array")
        case (.betweenEntries, UInt8(ascii: ",")): break
        case (.betweenEntries, UInt8(ascii: "]")):
            output.append(byte)
            state = .after
        case (.after, _): throw .hubBroken("something follows its list")
        default:
            state = .entry
            return false
        }
        return true
    }

    /// Reads on to the entry's end or that of the piece. True at the entry's end, with the index after it.
    private mutating func inEntry(_ piece: Span<UInt8>, _ index: inout Int) throws(Failure) -> Bool {
        while index < piece.count {
            let byte = piece[index]
            if state == .string {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    state = .entry
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): state = .string
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: ",") where depth == 0, UInt8(ascii: "]") where depth == 0: return true
                case UInt8(ascii: "}") where depth == 0: throw .hubBroken("its list is no JSON array")
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
            }
            index += 1
        }
        return false
    }

    private mutating func hold(_ part: Span<UInt8>) throws(Failure) {
        guard entry.count + part.count <= Self.longestEntry else {
            throw .hubBroken("its list has an entry that is too long")
        }
        unsafe part.withUnsafeBufferPointer { unsafe entry.append(contentsOf: $0) }
    }

    private mutating func judge(_ output: inout [UInt8]) {
        if mayShow(ListEntry(entry)) {
            if hasKept { output.append(UInt8(ascii: ",")) }
            output += entry
            hasKept = true
        }
        entry.removeAll(keepingCapacity: true)
        state = .betweenEntries
    }

    private func mayShow(_ entry: ListEntry?) -> Bool {
        if hidesTrash, let name = entry?.id?.split(separator: "/").last, TrashName.isReserved(String(name)) {
            return false
        }
        guard let scope else { return true }
        guard let entry else { return false }
        if entry.isPrivate == false { return true }
        guard let kind, let text = entry.id, let id = try? RepoID(text) else { return false }
        return scope.allows(.read, HubResource(kind: kind, owner: id.namespace ?? "", name: id.name))
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
