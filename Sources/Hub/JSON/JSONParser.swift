import HTTP

/// Reads one JSON text in UTF-8 (RFC 8259) in one pass, within limits. It is stricter than the grammar where readers disagree: a
/// name that an object has twice is refused, because a body that means "private" to us could mean "public" to the Hub.
package struct JSONParser {
    /// Swift compares and hashes text that is not ASCII by its canonical form, which costs fifty times as much per byte.
    private static let longestOtherNames = 4096

    /// Room for the members of most objects of the Hub: a dictionary that grows hashes all of them again.
    private static let usualMembers = 6

    package let bytes: [UInt8]
    package let limits: JSONLimits
    package var position = 0
    private var values = 0
    /// Bytes of names that are not ASCII.
    private var otherNames = 0
    /// For a text that is read an element at a time: whether its bracket was read.
    private var isInside = false

    package init(_ bytes: [UInt8], _ limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The value that the text holds. Throws `badRequest`.
    package mutating func document() throws(Failure) -> JSON {
        try begin()
        let value = try value(depth: 0)
        _ = try end()
        return value
    }

    /// The next element of the array that the text is, nil after the last: so a long list is read in parts. Throws `badRequest`.
    package mutating func nextElement() throws(Failure) -> JSON? {
        guard isInside else {
            try begin()
            skipSpace()
            guard current == UInt8(ascii: "[") else { throw malformed }
            try enter(1)
            isInside = true
            return take(UInt8(ascii: "]")) ? try end() : try value(depth: 1)
        }
        skipSpace()
        guard !take(UInt8(ascii: "]")) else { return try end() }
        guard take(UInt8(ascii: ",")) else { throw malformed }
        return try value(depth: 1)
    }

    private mutating func begin() throws(Failure) {
        guard bytes.count <= limits.bytes else {
            throw .badRequest("The body has more than \(limits.bytes) bytes of JSON.")
        }
        // A byte order mark: RFC 8259 section 8.1 lets a reader skip it, and some editors write one.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    private mutating func end() throws(Failure) -> JSON? {
        skipSpace()
        guard position == bytes.count else { throw malformed }
        return nil
    }

    /// The byte at the position; a space after the end, which matches none of the bytes that are looked for.
    package var current: UInt8 { position < bytes.count ? bytes[position] : UInt8(ascii: " ") }

    private mutating func value(depth: Int) throws(Failure) -> JSON {
        skipSpace()
        values += 1
        guard values <= limits.values else { throw .badRequest("The body has more than \(limits.values) values.") }
        switch current {
        case UInt8(ascii: "{"): return .object(try members(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try elements(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    /// From the opening brace to after the closing one.
    private mutating func members(depth: Int) throws(Failure) -> [String: JSON] {
        try enter(depth)
        guard !take(UInt8(ascii: "}")) else { return [:] }
        var members = [String: JSON](minimumCapacity: Self.usualMembers)
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw malformed }
            let name = try name()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw malformed }
            guard members.updateValue(try value(depth: depth), forKey: name) == nil else {
                throw .badField(Self.shown(name), "is there twice; leave one out")
            }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw malformed }
        return members
    }

    /// From the opening bracket to after the closing one.
    private mutating func elements(depth: Int) throws(Failure) -> [JSON] {
        try enter(depth)
        var elements: [JSON] = []
        guard !take(UInt8(ascii: "]")) else { return elements }
        repeat {
            elements.append(try value(depth: depth))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw malformed }
        return elements
    }

    private mutating func enter(_ depth: Int) throws(Failure) {
        guard depth <= limits.depth else {
            throw .badRequest("The body is nested deeper than \(limits.depth) levels.")
        }
        position += 1
        skipSpace()
    }

    private mutating func name() throws(Failure) -> String {
        let name = try string()
        if name.utf8.contains(where: { $0 >= 0x80 }) {
            otherNames += name.utf8.count
            guard otherNames <= Self.longestOtherNames else {
                throw .badRequest("The body has more than \(Self.longestOtherNames) bytes of names that are not ASCII.")
            }
        }
        return name
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(Failure) -> JSON {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count else { throw malformed }
        for index in position..<end where unsafe bytes[index] != word.utf8Start[index - position] { throw malformed }
        position = end
        return value
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    package mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// A stranger's text in an error, and so in a header: short and without control characters.
    private static func shown(_ name: String) -> String {
        var text = ""
        text.unicodeScalars.append(
            contentsOf: name.unicodeScalars.prefix(64).filter { $0.properties.generalCategory != .control })
        return text
    }
}

extension JSONParser {
    /// Why the byte at the position is not allowed there.
    package var malformed: Failure {
        switch current {
        // UTF-16 and UTF-32 have them, which RFC 8259 section 8.1 forbids.
        case 0: return .badRequest("The body is not JSON: it has a NUL byte; send UTF-8.")
        case 0x80...0xC1, 0xF5...0xFF: return .badRequest("The body is not JSON: it is not UTF-8.")
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            let before = bytes[..<position].last { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
            guard before == UInt8(ascii: ",") else { fallthrough }
            return .badRequest("The body is not JSON: a comma precedes a closing bracket.")
        default: return .badRequest("The body is not JSON: check its quotes, commas and brackets.")
        }
    }
}
