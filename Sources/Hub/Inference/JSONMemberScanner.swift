/// Finds some members of a JSON object that comes in pieces: numbers and short texts, by the names that lead to them. It holds nothing else,
/// whatever the text's length, and does not validate it: in a text that is no JSON it finds something or nothing.
struct JSONMemberScanner {
    private enum State {
        case structure, string, escape, scalar
        /// More ends than beginnings: nothing after this counts.
        case broken
    }

    /// How deep a member can be.
    private static let deepest = 3
    /// Bytes of a name and of a value.
    private static let longest = 128

    /// The names that lead to each.
    private let wanted: [[[UInt8]]]
    private var values: [[UInt8]?]
    private var state = State.structure
    private var depth = 0
    /// For the outermost levels: whether it is an object, and the name whose value is being read.
    private var isObject = [Bool](repeating: false, count: Self.deepest)
    private var names = [[UInt8]](repeating: [], count: Self.deepest)
    private var expectsName = false
    private var text: [UInt8] = []
    /// It has an escape, is too long, or is where nothing is wanted.
    private var isOdd = false

    /// `members` are names with dots between them: `usage.total_tokens`.
    init(_ members: [String]) {
        wanted = members.map { $0.split(separator: ".").map { Array($0.utf8) } }
        values = Array(repeating: nil, count: members.count)
    }

    /// The last value of a member, by its index among those given to `init`.
    func value(_ index: Int) -> [UInt8]? { values[index] }

    func integer(_ member: String) -> Int64? {
        let path = member.split(separator: ".").map { Array($0.utf8) }
        return wanted.firstIndex(of: path).flatMap { values[$0] }.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
    }

    /// Another text begins.
    mutating func restart() {
        state = .structure
        (depth, expectsName, isOdd) = (0, false, false)
        text.removeAll(keepingCapacity: true)
        for index in values.indices { values[index] = nil }
    }

    mutating func take(_ bytes: Span<UInt8>) {
        var index = 0
        while index < bytes.count {
            // Most of a text is not wanted.
            if case .string = state, isOdd {
                while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\") {
                    index += 1
                }
                guard index < bytes.count else { return }
            }
            take(bytes[index])
            index += 1
        }
    }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .string:
            if byte == UInt8(ascii: "\\") {
                state = .escape
            } else if byte == UInt8(ascii: "\"") {
                endString()
            } else {
                keep(byte)
            }
        case .escape:
            state = .string
            if byte == UInt8(ascii: "/") { keep(byte) } else { isOdd = true }
        case .structure: takeStructure(byte)
        case .scalar:
            guard Self.endsScalar(byte) else { return keep(byte) }
            noteValue()
            state = .structure
            takeStructure(byte)
        case .broken: break
        }
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x09, 0x0A, 0x0D: true
        default: false
        }
    }

    private mutating func keep(_ byte: UInt8) {
        guard !isOdd else { return }
        if text.count < Self.longest { text.append(byte) } else { isOdd = true }
    }

    private mutating func takeStructure(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["): open(isObject: byte == UInt8(ascii: "{"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            guard depth > 0 else {
                state = .broken
                return
            }
            depth -= 1
            expectsName = false
        case UInt8(ascii: ","): expectsName = (1...Self.deepest).contains(depth) && isObject[depth - 1]
        case UInt8(ascii: ":"): expectsName = false
        case UInt8(ascii: "\""):
            state = .string
            begin()
        case 0x20, 0x09, 0x0A, 0x0D: break
        default:
            state = .scalar
            begin()
            keep(byte)
        }
    }

    private mutating func open(isObject: Bool) {
        depth += 1
        expectsName = isObject && depth <= Self.deepest
        if depth <= Self.deepest { self.isObject[depth - 1] = isObject }
    }

    private mutating func begin() {
        isOdd = !isReachable
        if !isOdd { text.removeAll(keepingCapacity: true) }
    }

    /// Whether names alone lead here.
    private var isReachable: Bool {
        guard (1...Self.deepest).contains(depth) else { return false }
        for level in 0..<depth where !isObject[level] { return false }
        return true
    }

    private mutating func endString() {
        state = .structure
        guard expectsName else { return noteValue() }
        // An odd text is none of the names.
        names[depth - 1] = isOdd ? [] : text
    }

    private mutating func noteValue() {
        guard !isOdd else { return }
        for (index, path) in wanted.enumerated() where path.count == depth && path.elementsEqual(names[..<depth]) {
            values[index] = text
        }
    }
}
