/// Header or trailer fields: in order, with names as received, repeated ones kept apart (RFC 9110 section 5).
///
/// All names and values lie in one byte array, and `fields` says where. A parser builds a block with two copies, and a
/// writer copies the bytes out, without making a String for each field.
///
/// No value of this type can inject a field: whatever way a CR, LF or NUL comes in, it is kept as a space
/// (RFC 9110 section 5.5 allows that replacement).
public struct Headers: Sendable {
    /// Where one field's name and value lie in `bytes`.
    public struct Field: Sendable, Equatable {
        public var nameStart: UInt32
        public var nameLength: UInt32
        public var valueStart: UInt32
        public var valueLength: UInt32

        public init(nameStart: UInt32, nameLength: UInt32, valueStart: UInt32, valueLength: UInt32) {
            self.nameStart = nameStart
            self.nameLength = nameLength
            self.valueStart = valueStart
            self.valueLength = valueLength
        }

        var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameLength) }
        var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueLength) }
    }

    /// The names and values; bytes between fields, and of removed fields, mean nothing.
    public private(set) var bytes: [UInt8]
    /// The fields in order.
    public private(set) var fields: [Field]

    public init() {
        bytes = []
        fields = []
    }

    /// Takes over what a parser has found: `bytes` may be a whole header block, separators included.
    /// Every field must lie inside `bytes`; one that does not is a bug of the caller and stops the program.
    public init(bytes: [UInt8], fields: [Field]) {
        for field in fields {
            precondition(field.name.upperBound <= bytes.count && field.value.upperBound <= bytes.count)
        }
        self.bytes = bytes
        self.fields = fields
        for index in self.bytes.indices where Self.endsField(self.bytes[index]) { self.bytes[index] = Self.space }
    }

    public var count: Int { fields.count }
    public var isEmpty: Bool { fields.isEmpty }

    /// The first value of `name`, without regard to ASCII case; bytes that are not UTF-8 become U+FFFD.
    /// Does not allocate while it searches.
    public subscript(_ name: String) -> String? {
        fields.first { matches($0, name) }.map(value)
    }

    /// All values of `name` in order.
    public func values(of name: String) -> [String] {
        fields.lazy.filter { matches($0, name) }.map(value)
    }

    public func contains(_ name: String) -> Bool {
        fields.contains { matches($0, name) }
    }

    /// The members of a comma-separated list over all fields of `name`: trimmed, lower-cased, empty ones left out
    /// (RFC 9110 section 5.6.1). For lists of tokens such as Connection; it does not know quoted strings.
    public func tokens(of name: String) -> [String] {
        values(of: name).flatMap { list in
            list.utf8.split(separator: UInt8(ascii: ",")).compactMap { member in
                let trimmed = member.trimmingOWS()
                return trimmed.isEmpty ? nil : Substring(trimmed).lowercased()
            }
        }
    }

    /// Adds a field at the end. A CR, LF or NUL in the name or value is written as a space, so a value from a stranger
    /// cannot start another field.
    public mutating func append(_ name: String, _ value: String) {
        fields.append(store(name, value))
    }

    /// Makes `value` the only value of `name`: in the place of its first field, or at the end.
    public mutating func set(_ name: String, _ value: String) {
        guard let first = fields.firstIndex(where: { matches($0, name) }) else { return append(name, value) }
        let rest = fields[(first + 1)...].filter { !matches($0, name) }
        fields.replaceSubrange((first + 1)..., with: rest)
        fields[first] = store(name, value)
    }

    /// Removes all fields of `name`.
    public mutating func remove(_ name: String) {
        fields = fields.filter { !matches($0, name) }
    }

    /// Removes the fields for whose index `matching` holds; see `isField(at:named:)`.
    public mutating func removeFields(where matching: (Int) -> Bool) {
        fields = fields.indices.filter { !matching($0) }.map { fields[$0] }
    }

    /// Removes the fields for which `matching` holds; it gets the name and value as Strings.
    public mutating func removeAll(where matching: (_ name: String, _ value: String) -> Bool) {
        fields = fields.filter { !matching(text($0.name), value($0)) }
    }

    /// Lends the name and value of field `index`, without a copy.
    public func withField<Result, Failed: Error>(
        at index: Int, _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(Failed) -> Result
    ) throws(Failed) -> Result {
        let field = fields[index]
        let all = bytes.span
        return try body(all.extracting(field.name), all.extracting(field.value))
    }

    /// Whether the name of field `index` is `name`, without regard to ASCII case and without a copy.
    public func isField(at index: Int, named name: String) -> Bool {
        matches(fields[index], name)
    }

    /// Whether the name of field `index` begins with `prefix`, without regard to ASCII case and without a copy.
    public func isField(at index: Int, prefixed prefix: String) -> Bool {
        let name = fields[index].name
        guard name.count >= prefix.utf8.count else { return false }
        return zip(bytes[name], prefix.utf8).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
    }
}

extension Headers {
    private static let space = UInt8(ascii: " ")

    private static func endsField(_ byte: UInt8) -> Bool {
        byte == 0x0D || byte == 0x0A || byte == 0
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        let wanted = name.utf8
        guard Int(field.nameLength) == wanted.count else { return false }
        var position = Int(field.nameStart)
        for byte in wanted {
            guard bytes[position].asciiLowercased == byte.asciiLowercased else { return false }
            position += 1
        }
        return true
    }

    private func value(_ field: Field) -> String { text(field.value) }

    fileprivate func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func store(_ name: String, _ value: String) -> Field {
        let start = bytes.count
        bytes.append(contentsOf: name.utf8.lazy.map { Self.endsField($0) ? Self.space : $0 })
        let middle = bytes.count
        bytes.append(contentsOf: value.utf8.lazy.map { Self.endsField($0) ? Self.space : $0 })
        return Field(
            nameStart: UInt32(start), nameLength: UInt32(middle - start),
            valueStart: UInt32(middle), valueLength: UInt32(bytes.count - middle))
    }
}

extension Headers: Equatable {
    /// The same fields in the same order; names without regard to ASCII case, values to the byte.
    public static func == (left: Headers, right: Headers) -> Bool {
        left.count == right.count
            && zip(left.fields, right.fields).allSatisfy { one, other in
                left.bytes[one.name].elementsEqual(right.bytes[other.name]) { $0.asciiLowercased == $1.asciiLowercased }
                    && left.bytes[one.value].elementsEqual(right.bytes[other.value])
            }
    }
}

extension Headers: Sequence {
    /// The fields in order, as Strings.
    public func makeIterator() -> some IteratorProtocol<(name: String, value: String)> {
        fields.lazy.map { (name: text($0.name), value: text($0.value)) }.makeIterator()
    }
}

extension Headers: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral pairs: (String, String)...) {
        self.init()
        for (name, value) in pairs { append(name, value) }
    }
}
