import EventIO
import Hub

/// Rewrites URLs in a JSON text that comes in pieces, and leaves members out; everything else keeps its bytes.
///
/// It knows its place in the text, and does not parse all of it. It holds back a string that may be a URL until that is known, and,
/// where members may be left out, a name until its value begins. A text that is not JSON passes unchanged, for no reader will find a
/// member in it. The output does not depend on where the pieces were cut.
struct JSONRewriter {
    struct Frame {
        let isObject: Bool
        /// The patterns that the name of the present member matches.
        var name: UInt32 = 0
        /// Whether all members so far have been left out: the next one goes out without a comma before it.
        var isEmptied = false
        var hasMember = false
    }

    enum State {
        /// Between tokens.
        case structure
        case name, string, scalar
        /// A string that may be replaced: because of its member's name, or if it is a URL.
        case held(Rewrite.URLAction, byName: Bool)
        /// A string that is left out.
        case dropped
    }

    /// What may come next between tokens.
    enum Expected {
        case value, name, colon, end
    }

    /// The longest name with its surroundings, and the longest URL, in bytes: longer ones are no name and no URL of ours.
    static let longestName = 8 << 10
    static let longestURL = 16 << 10
    private static let deepest = 512

    let rules: MemberRules
    let canDrop: Bool
    let replace: (String, Rewrite.URLAction) throws(Failure) -> String?
    var frames: [Frame] = []
    var state = State.structure
    var expected = Expected.value
    var end = StringEnd()
    /// The beginning of a member that may be left out: a comma, the name, a colon, and space.
    var member: [UInt8] = []
    /// A name or a held string that began in an earlier piece: as written, without the opening quote.
    var text: [UInt8] = []

    /// What goes out instead of the piece's bytes, and from where on its own bytes go out.
    var output: [UInt8] = []
    var run = 0
    /// The index of the held string's quote; nil if that is in an earlier piece.
    var heldFrom: Int?
    /// What the present object tells about its URLs.
    var described: DescribedObject?
    /// A URL that goes out when its whole object has been read.
    var waiting: WaitingURL?
    /// The present scalar is a size that is needed.
    var isSize = false

    /// `replace` returns the replacement for a URL; nil where it stays.
    init(_ rules: [JSONFieldRule], replace: @escaping (String, Rewrite.URLAction) throws(Failure) -> String?) {
        self.rules = MemberRules(rules)
        canDrop = self.rules.canDrop
        self.replace = replace
    }

    /// What can go out; nil for the unchanged piece. Throws `hubBroken` for a text that is nested too deeply and for a name or a URL that is too
    /// long, and what `replace` throws.
    mutating func rewrite(_ piece: Span<UInt8>) throws(Failure) -> [UInt8]? {
        (run, heldFrom) = (0, nil)
        output = waiting.takeText() ?? []
        var index = 0
        while index < piece.count {
            switch state {
            case .structure:
                // Where nothing is held back, space is passed.
                if member.isEmpty { while index < piece.count, piece[index].isSpace { index += 1 } }
                if index < piece.count { index = try structure(piece, index) }
            case .scalar: index = scalar(piece, index)
            case .string:
                guard let closing = end.find(in: piece, from: index) else { return try rest(piece) }
                state = .structure
                index = closing + 1
            case .name: index = try name(piece, index)
            case .held(let change, let byName): index = try held(piece, index, change, byName)
            case .dropped:
                guard let closing = end.find(in: piece, from: index) else { return try rest(piece) }
                state = .structure
                index = closing + 1
                run = index
            }
        }
        return try rest(piece)
    }

    /// What was held back, when the text has ended. Throws `hubBroken` if that is a part of a URL in a member whose name says so.
    mutating func finish() throws(Failure) -> [UInt8] {
        let rest: [UInt8]
        switch state {
        case .held(_, byName: true), .dropped: throw .hubBroken("its JSON ends inside a URL")
        case .held(_, byName: false): rest = [UInt8(ascii: "\"")] + text
        default: rest = member
        }
        guard let waiting else { return rest }
        output = waiting.text
        try endWaiting(isWhole: false)
        return output + rest
    }

    /// The output at the end of a piece.
    private mutating func rest(_ piece: Span<UInt8>) throws(Failure) -> [UInt8]? {
        if run == 0, output.isEmpty, heldFrom == nil, !isHolding, waiting == nil { return nil }
        if !isHolding { pass(piece, to: heldFrom ?? piece.count) }
        return try withoutWaiting()
    }

    /// Whether the next bytes do not go out unchanged.
    private var isHolding: Bool {
        switch state {
        case .held: heldFrom == nil
        case .dropped: true
        default: !member.isEmpty
        }
    }

    /// Lets the piece's bytes out up to `index`, which stays.
    mutating func pass(_ piece: Span<UInt8>, to index: Int) {
        if index > run { output.append(piece.extracting(run..<index)) }
        run = index
    }

    private mutating func structure(_ piece: Span<UInt8>, _ index: Int) throws(Failure) -> Int {
        let byte = piece[index]
        switch byte {
        case UInt8(ascii: "\""): return try beginString(piece, index)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            release(index)
            guard frames.count < Self.deepest else { throw .hubBroken("its JSON is nested too deep") }
            frames.append(Frame(isObject: byte == UInt8(ascii: "{")))
            expected = byte == UInt8(ascii: "{") ? .name : .value
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            release(index)
            if described != nil || waiting != nil { try endObject(piece, index) }
            _ = frames.popLast()
            expected = frames.isEmpty ? .value : .end
        case UInt8(ascii: ",") where frames.last?.isObject == true:
            hold(piece, index)
            expected = .name
        case UInt8(ascii: ",") where !frames.isEmpty:
            expected = .value
        case UInt8(ascii: ":") where expected == .colon:
            if canDrop { member.append(byte) }
            expected = .value
        case 0x20, 0x09, 0x0A, 0x0D:
            guard !member.isEmpty else { break }
            member.append(byte)
            guard member.count <= Self.longestName else { throw .hubBroken("its JSON has too much space") }
        default:
            release(index)
            if rules.describes, case .size? = change() { (isSize, text) = (true, [byte]) }
            state = .scalar
            expected = frames.isEmpty ? .value : .end
        }
        return index + 1
    }

    private mutating func scalar(_ piece: Span<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < piece.count, !piece[index].endsScalar { index += 1 }
        if isSize { addToSize(piece.extracting(start..<index), isWhole: index < piece.count) }
        if index < piece.count { state = .structure }
        return index
    }

    private mutating func beginString(_ piece: Span<UInt8>, _ index: Int) throws(Failure) -> Int {
        if expected == .name, frames.last?.isObject == true {
            guard rules.askForNames else {
                (state, expected) = (.string, .colon)
                return index + 1
            }
            hold(piece, index)
            state = .name
            return index + 1
        }
        let isValue = expected == .value
        expected = frames.isEmpty ? .value : .end
        var byName = isValue && frames.last?.isObject == true && rules.askForNames ? change() : nil
        // Not a number, so no size.
        if case .size? = byName { byName = nil }
        if case .drop? = byName {
            // The whole member is left out.
            member = []
            frames[frames.count - 1].isEmptied = frames.last?.hasMember == false
            run = index + 1
            state = .dropped
            return index + 1
        }
        release(index)
        if let byName {
            state = .held(byName, byName: true)
            heldFrom = index
        } else if isValue, let change = rules.anyURL,
            index + 1 == piece.count || URLText.mayBegin(with: piece[index + 1])
        {
            state = .held(isAuthored ? .authored : change, byName: false)
            heldFrom = index
        } else {
            state = .string
        }
        return index + 1
    }

    /// Whether it is in a member whose text an author has written.
    private var isAuthored: Bool {
        rules.authored != 0 && frames.contains { $0.name & rules.authored != 0 }
    }

    /// The action for the value that begins here.
    private func change() -> Rewrite.URLAction? {
        guard let last = frames.last, last.name != 0 else { return nil }
        return rules.change(frames.lazy.reversed().filter(\.isObject).map(\.name))
    }
}

extension JSONRewriter {
    /// Holds back a comma or a name's opening quote, if its member may be left out.
    mutating func hold(_ piece: Span<UInt8>, _ index: Int) {
        guard canDrop else { return }
        if member.isEmpty { pass(piece, to: index) }
        member.append(piece[index])
    }

    /// Lets out the member that was held back; the piece's bytes follow from `index` on.
    mutating func release(_ index: Int) {
        guard !member.isEmpty else { return }
        let isFirst = frames.last?.isEmptied == true && member[0] == UInt8(ascii: ",")
        output += member[(isFirst ? 1 : 0)...]
        member = []
        run = index
        guard !frames.isEmpty else { return }
        frames[frames.count - 1].isEmptied = false
        frames[frames.count - 1].hasMember = true
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }

    /// Whether a number or a word of JSON ends before this byte.
    fileprivate var endsScalar: Bool {
        switch self {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "["),
            UInt8(ascii: "{"), UInt8(ascii: "\""):
            true
        default: false
        }
    }
}
