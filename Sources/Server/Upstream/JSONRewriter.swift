internal import Hub

/// Rewrites URLs in members of a JSON text that goes by in pieces, and leaves members out; everything else keeps its bytes.
///
/// It knows where it is in the text, not what all of it says: what it holds are the names on the way down, and a name with
/// its value's beginning until it is clear what becomes of them. So what people wrote stays, whatever it looks like. A text
/// that is not JSON goes by as it is, for no reader will find a member in it.
struct JSONRewriter {
    private struct Frame {
        let isObject: Bool
        /// Of the member that is being read.
        var name = ""
        /// Whether all members so far have been left out: the first that goes out has no comma before it.
        var isEmptied = false
        var hasMember = false
    }

    private enum State {
        /// Between tokens.
        case structure
        case name, string, scalar
        /// A string that will be replaced or left out.
        case held(Rewrite.Change)
    }

    /// What may come next between tokens.
    private enum Expected {
        case value, name, colon, end
    }

    /// Bytes of a name with what is around it, and of a URL: longer ones are nobody's.
    private static let longestName = 8 << 10
    private static let longestURL = 16 << 10

    private let rules: [MemberRule]
    private let replace: (String, Rewrite.Change) throws(Failure) -> String?
    private var frames: [Frame] = []
    private var state = State.structure
    private var expected = Expected.value
    private var isEscaped = false
    /// A member up to its value, which goes out with that: a comma, the name, a colon, and space.
    private var member: [UInt8] = []
    /// The name or the held string as it came, without quotes.
    private var text: [UInt8] = []

    /// `replace` gives what a URL becomes; nil where it stays.
    init(_ rules: [MemberRule], replace: @escaping (String, Rewrite.Change) throws(Failure) -> String?) {
        self.rules = rules
        self.replace = replace
    }

    /// What can go out. Throws `hubBroken` for a name or a URL that is too long, and what `replace` throws.
    mutating func rewrite(_ piece: some Collection<UInt8>) throws(Failure) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(piece.count + 256)
        for byte in piece { try take(byte, &output) }
        return output
    }

    /// What was held back when no more comes. Throws `hubBroken` if that would be a part of a URL.
    mutating func finish() throws(Failure) -> [UInt8] {
        if case .held = state { throw .hubBroken("its JSON ends inside a URL") }
        defer { member = [] }
        return member
    }

    private mutating func take(_ byte: UInt8, _ output: inout [UInt8]) throws(Failure) {
        switch state {
        case .structure:
            try structure(byte, &output)
        case .scalar:
            if byte.endsScalar {
                state = .structure
                return try structure(byte, &output)
            }
            output.append(byte)
        case .string:
            output.append(byte)
            if endsString(byte) { state = .structure }
        case .name:
            member.append(byte)
            guard member.count <= Self.longestName else { throw .hubBroken("its JSON has a name that is too long") }
            guard endsString(byte) else { return text.append(byte) }
            frames[frames.count - 1].name = try decoded(text)
            (state, expected) = (.structure, .colon)
        case .held(let change):
            guard endsString(byte) else {
                text.append(byte)
                guard text.count <= Self.longestURL else { throw .hubBroken("its JSON has a URL that is too long") }
                return
            }
            state = .structure
            try release(change, &output)
        }
    }

    private mutating func structure(_ byte: UInt8, _ output: inout [UInt8]) throws(Failure) {
        switch byte {
        case UInt8(ascii: "\""): try beginString(&output)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            flush(byte, &output)
            guard frames.count < JSON.deepest else { throw .hubBroken("its JSON is nested too deep") }
            frames.append(Frame(isObject: byte == UInt8(ascii: "{")))
            expected = byte == UInt8(ascii: "{") ? .name : .value
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            flush(byte, &output)
            _ = frames.popLast()
            expected = frames.isEmpty ? .value : .end
        case UInt8(ascii: ",") where frames.last?.isObject == true:
            member.append(byte)
            expected = .name
        case UInt8(ascii: ",") where !frames.isEmpty:
            output.append(byte)
            expected = .value
        case UInt8(ascii: ":") where expected == .colon:
            member.append(byte)
            expected = .value
        case 0x20, 0x09, 0x0A, 0x0D:
            if member.isEmpty {
                output.append(byte)
            } else {
                member.append(byte)
                guard member.count <= Self.longestName else { throw .hubBroken("its JSON has too much space") }
            }
        default:
            flush(byte, &output)
            state = .scalar
            expected = frames.isEmpty ? .value : .end
        }
    }

    private mutating func beginString(_ output: inout [UInt8]) throws(Failure) {
        text = []
        if expected == .name, frames.last?.isObject == true {
            member.append(UInt8(ascii: "\""))
            state = .name
            return
        }
        let change = frames.last?.isObject == true && expected == .value ? change() : nil
        expected = frames.isEmpty ? .value : .end
        if let change {
            state = .held(change)
        } else {
            flush(UInt8(ascii: "\""), &output)
            state = .string
        }
    }

    /// What becomes of the value that begins here.
    private func change() -> Rewrite.Change? {
        guard let name = frames.last?.name else { return nil }
        return rules.first { rule in
            rule.fits(name) && rule.fits(frames.lazy.filter(\.isObject).map(\.name))
        }?.change
    }

    /// Writes the held member, or not.
    private mutating func release(_ change: Rewrite.Change, _ output: inout [UInt8]) throws(Failure) {
        if case .drop = change {
            member = []
            frames[frames.count - 1].isEmptied = frames.last?.hasMember == false
            return
        }
        let url = try decoded(text)
        if let replacement = try replace(url, change) {
            let encoded = try JSON.string(replacement).encoded()
            flush(nil, &output)
            output += encoded
        } else {
            flush(UInt8(ascii: "\""), &output)
            output += text
            output.append(UInt8(ascii: "\""))
        }
    }

    /// Lets out what waited, then `byte`.
    private mutating func flush(_ byte: UInt8?, _ output: inout [UInt8]) {
        if !member.isEmpty {
            let isFirst = frames.last?.isEmptied == true && member[0] == UInt8(ascii: ",")
            output += member[(isFirst ? 1 : 0)...]
            member = []
            if !frames.isEmpty {
                frames[frames.count - 1].isEmptied = false
                frames[frames.count - 1].hasMember = true
            }
        }
        if let byte { output.append(byte) }
    }

    private mutating func endsString(_ byte: UInt8) -> Bool {
        if isEscaped {
            isEscaped = false
            return false
        }
        isEscaped = byte == UInt8(ascii: "\\")
        return byte == UInt8(ascii: "\"")
    }

    private func decoded(_ raw: [UInt8]) throws(Failure) -> String {
        if !raw.contains(UInt8(ascii: "\\")), let plain = String(validating: raw, as: UTF8.self) { return plain }
        let quote = [UInt8(ascii: "\"")]
        guard let value = try? JSON.parse(quote + raw + quote), case .string(let text) = value else {
            throw .hubBroken("its JSON has a string that is none")
        }
        return text
    }
}

extension UInt8 {
    /// Whether a number or a word of JSON is over before this byte.
    fileprivate var endsScalar: Bool {
        switch self {
        case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "["),
            UInt8(ascii: "{"), UInt8(ascii: "\""):
            true
        default: false
        }
    }
}
