/// Reads a list of items with parameters (RFC 9651 sections 3.1 and 3.3), as far as the Hub uses them: strings, tokens and numbers. One
/// extension is the Hub's own: a string instead of a parameter's key, `"fixed window";"api";q=500`.
struct RateLimitParser {
    static let longestField = 512
    private static let mostMembers = 8
    private static let mostParts = 16
    /// RFC 9651 section 3.3.1.
    private static let mostDigits = 15

    private enum Value {
        case number(Int)
        /// A decimal, a string or a token, which no parameter here has.
        case other
    }

    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func list() -> [RateLimitMember]? {
        var members: [RateLimitMember] = []
        skip(tabsToo: true)
        while members.count < Self.mostMembers, let member = member() {
            members.append(member)
            skip(tabsToo: true)
            if place == bytes.count { return members }
            guard take(",") else { return nil }
            skip(tabsToo: true)
        }
        return nil
    }

    private mutating func member() -> RateLimitMember? {
        var member = RateLimitMember()
        guard let name = string() ?? word() else { return nil }
        member.bucket = HubBucket(name: name)
        var parts = 0
        while take(";") {
            parts += 1
            guard parts <= Self.mostParts else { return nil }
            skip(tabsToo: false)
            if let name = string() {
                member.bucket = member.bucket ?? HubBucket(name: name)
            } else {
                guard let key = word() else { return nil }
                guard take("=") else { continue }
                guard let value = value() else { return nil }
                if case .number(let number) = value, key.count == 1, let letter = key.first {
                    member.set(letter, number)
                }
            }
        }
        return member
    }

    private mutating func value() -> Value? {
        if string() != nil { return .other }
        guard let first = peek else { return nil }
        guard first == UInt8(ascii: "-") || isDigit(first) else { return word() == nil ? nil : .other }
        let isNegative = take("-")
        var (number, digits) = (0, 0)
        while let byte = peek, isDigit(byte) {
            digits += 1
            guard digits <= Self.mostDigits else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
            place += 1
        }
        guard digits > 0 else { return nil }
        guard take(".") else { return .number(isNegative ? -number : number) }
        let start = place
        while let byte = peek, isDigit(byte), place - start < 3 { place += 1 }
        return place > start ? .other : nil
    }

    /// A string without its quotes (RFC 9651 section 4.2.5). Nil, and nothing is read, where none begins here.
    private mutating func string() -> ArraySlice<UInt8>? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        var end = place + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            guard (0x20...0x7E).contains(bytes[end]) else { return nil }
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < bytes.count else { return nil }
        defer { place = end + 1 }
        return bytes[(place + 1)..<end]
    }

    /// A key or a token.
    private mutating func word() -> ArraySlice<UInt8>? {
        let start = place
        while let byte = peek, isOfWord(byte) { place += 1 }
        return place > start ? bytes[start..<place] : nil
    }

    private var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func skip(tabsToo: Bool) {
        while let byte = peek, byte == 0x20 || tabsToo && byte == 0x09 { place += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private func isOfWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "_-.*/:".utf8.contains(byte)
    }
}

extension RateLimitMember {
    /// A negative number is ignored.
    fileprivate mutating func set(_ key: UInt8, _ number: Int) {
        guard number >= 0 else { return }
        switch key {
        case UInt8(ascii: "r"): left = number
        case UInt8(ascii: "t"): seconds = number
        case UInt8(ascii: "q"): quota = number
        case UInt8(ascii: "w"): window = number
        default: break
        }
    }
}
