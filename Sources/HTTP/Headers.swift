/// Header or trailer fields: in order, with names as received, repeated ones kept apart (RFC 9110 section 5).
///
/// All names and values are in one byte array, and `fields` has their places. A parser builds a block with two copies, and a
/// writer copies the bytes out, without making a String for each field.
///
/// No value of this type can inject a field: a CR, LF or NUL from any source is kept as a space
/// (RFC 9110 section 5.5 allows that replacement).
package struct Headers: Sendable {
    /// The place of one field's name and value in `bytes`.
    package struct Field: Sendable, Equatable {
        package var nameStart: UInt32
        package var nameLength: UInt32
        package var valueStart: UInt32
        package var valueLength: UInt32

        package init(nameStart: UInt32, nameLength: UInt32, valueStart: UInt32, valueLength: UInt32) {
            self.nameStart = nameStart
            self.nameLength = nameLength
            self.valueStart = valueStart
            self.valueLength = valueLength
        }

        package var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameLength) }
        package var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueLength) }
    }

    /// The names and values; bytes between fields, and of removed fields, mean nothing.
    package private(set) var bytes: [UInt8]
    /// The fields in order.
    package private(set) var fields: [Field]
    /// Bit n: some field's name may have n bytes; the last bit also for longer names. Most names that are looked for are missing, and most
    /// of these look-ups need nothing more.
    private var lengths: UInt64 = 0

    package init() {
        bytes = []
        fields = []
    }

    /// Takes over what a parser has found: `bytes` may be a whole header block, separators included.
    /// Every field must lie inside `bytes`; one that does not is a bug of the caller and stops the program.
    package init(bytes: [UInt8], fields: [Field]) {
        for field in fields {
            precondition(field.name.upperBound <= bytes.count && field.value.upperBound <= bytes.count)
            lengths |= Self.bit(Int(field.nameLength))
        }
        self.bytes = bytes
        self.fields = fields
        clean(from: 0)
    }

    package var count: Int { fields.count }
    package var isEmpty: Bool { fields.isEmpty }

    /// The first value of `name`, without regard to ASCII case; bytes that are not UTF-8 become U+FFFD.
    /// Does not allocate while it searches.
    package subscript(_ name: String) -> String? {
        firstIndex(of: name, from: 0).map { value(fields[$0]) }
    }

    /// All values of `name` in order.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        var next = 0
        while let index = firstIndex(of: name, from: next) {
            values.append(value(fields[index]))
            next = index + 1
        }
        return values
    }

    package func contains(_ name: String) -> Bool {
        firstIndex(of: name, from: 0) != nil
    }

    /// Whether a field has one of these names. Does not allocate.
    package func contains(anyOf names: CaselessWords) -> Bool {
        let all = bytes.span
        for field in fields where names.contains(all.extracting(field.name)) { return true }
        return false
    }

    /// Calls `body` with the name and the value of each field except `names`. Does not allocate.
    package func forEach(without names: CaselessWords, _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Void) {
        let all = bytes.span
        for field in fields where !names.contains(all.extracting(field.name)) {
            body(all.extracting(field.name), all.extracting(field.value))
        }
    }

    /// Whether each value of `name` is one of `words`, as a whole; also if there is none.
    package func isEvery(_ name: String, among words: CaselessWords) -> Bool {
        var next = 0
        while let index = firstIndex(of: name, from: next) {
            guard words.contains(bytes.span.extracting(fields[index].value)) else { return false }
            next = index + 1
        }
        return true
    }

    /// Adds a field at the end. A CR, LF or NUL in the name or value is written as a space, so a value from a stranger
    /// cannot start another field.
    package mutating func append(_ name: String, _ value: String) {
        let field = store(name, value)
        fields.append(field)
    }

    /// The same for words of the program itself, which need no cleaning.
    package mutating func append(own name: StaticString, _ value: StaticString) {
        let start = bytes.count
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
        lengths |= Self.bit(name.utf8CodeUnitCount)
        fields.append(
            Field(
                nameStart: UInt32(start), nameLength: UInt32(name.utf8CodeUnitCount),
                valueStart: UInt32(start + name.utf8CodeUnitCount), valueLength: UInt32(value.utf8CodeUnitCount)))
    }

    /// Makes `value` the only value of `name`: in place of its first field, or at the end.
    package mutating func set(_ name: String, _ value: String) {
        guard let first = firstIndex(of: name, from: 0) else { return append(name, value) }
        while let next = firstIndex(of: name, from: first + 1) { fields.remove(at: next) }
        let field = store(name, value)
        fields[first] = field
    }

    /// Removes all fields of `name`.
    package mutating func remove(_ name: String) {
        guard var next = firstIndex(of: name, from: 0) else { return }
        repeat {
            fields.remove(at: next)
            guard let another = firstIndex(of: name, from: next) else { return }
            next = another
        } while true
    }

    /// Removes the fields whose names are among `names`.
    package mutating func removeAll(_ names: CaselessWords) {
        fields = remaining(without: names)
    }

    /// The fields whose names are not among `names`, with room for those that a gateway adds: so nothing has to be copied a second time.
    package func without(_ names: CaselessWords) -> Headers {
        var kept = Headers()
        kept.bytes.reserveCapacity(bytes.count + Self.roomForMore)
        kept.bytes.append(contentsOf: bytes)
        kept.fields = remaining(without: names)
        kept.lengths = lengths
        return kept
    }

    /// Removes the fields whose names are not among `names`.
    package mutating func keepOnly(_ names: CaselessWords) {
        fields = only(names)
    }

    private func only(_ names: CaselessWords) -> [Field] {
        let all = bytes.span
        var kept: [Field] = []
        for field in fields where names.contains(all.extracting(field.name)) { kept.append(field) }
        return kept
    }

    private func remaining(without names: CaselessWords) -> [Field] {
        let all = bytes.span
        var kept: [Field] = []
        kept.reserveCapacity(fields.count + Self.moreFields)
        for field in fields where !names.contains(all.extracting(field.name)) { kept.append(field) }
        return kept
    }

    /// Removes the fields for which `matching` holds; it gets the name and value as Strings.
    package mutating func removeAll(where matching: (_ name: String, _ value: String) -> Bool) {
        fields = fields.filter { !matching(text($0.name), value($0)) }
    }

    /// Removes the fields whose indices are marked.
    package mutating func removeAll(marked: [Bool]) {
        fields = fields.indices.filter { !marked[$0] }.map { fields[$0] }
    }

    /// Passes the name and value of field `index`, without a copy.
    package func withField<Result, Failed: Error>(
        at index: Int, _ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) throws(Failed) -> Result
    ) throws(Failed) -> Result {
        let field = fields[index]
        let all = bytes.span
        return try body(all.extracting(field.name), all.extracting(field.value))
    }

    /// Passes the first value of `name`, without a copy; nil if there is none.
    package func withFirst<Result>(_ name: String, _ body: (Span<UInt8>) -> Result) -> Result? {
        firstIndex(of: name, from: 0).map { body(bytes.span.extracting(fields[$0].value)) }
    }

    /// The first field of `name` at `start` or after it, without regard to ASCII case and without a copy; nil if there is none.
    @inline(__always)
    package func firstIndex(of name: String, from start: Int) -> Int? {
        lengths & Self.bit(name.utf8.count) == 0 ? nil : search(name, from: start)
    }

    private func search(_ name: String, from start: Int) -> Int? {
        let wanted = name.utf8.span
        let all = bytes.span
        for index in start..<fields.count where Int(fields[index].nameLength) == wanted.count {
            if all.extracting(fields[index].name).isCaselessly(wanted) { return index }
        }
        return nil
    }
}

extension Headers {
    /// For fields that a gateway adds.
    private static let (roomForMore, moreFields) = (192, 4)

    private static func bit(_ length: Int) -> UInt64 { 1 << UInt64(Swift.min(length, 63)) }

    private func value(_ field: Field) -> String { text(field.value) }

    fileprivate func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func store(_ name: String, _ value: String) -> Field {
        let start = bytes.count
        bytes.append(contentsOf: name.utf8)
        let middle = bytes.count
        bytes.append(contentsOf: value.utf8)
        clean(from: start)
        lengths |= Self.bit(middle - start)
        return Field(
            nameStart: UInt32(start), nameLength: UInt32(middle - start),
            valueStart: UInt32(middle), valueLength: UInt32(bytes.count - middle))
    }

    /// Replaces each byte that would end a field, from `start` on, by a space.
    private mutating func clean(from start: Int) {
        // Every byte of every head passes here: the compiler vectorises a loop that always stores.
        unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            for index in start..<bytes.count {
                let byte = unsafe bytes[index]
                unsafe bytes[index] = byte == 0x0D || byte == 0x0A || byte == 0 ? 0x20 : byte
            }
        }
    }
}

extension Headers: Equatable {
    /// The same fields in the same order; names without regard to ASCII case, values to the byte.
    package static func == (left: Headers, right: Headers) -> Bool {
        left.count == right.count
            && zip(left.fields, right.fields).allSatisfy { one, other in
                left.bytes[one.name].elementsEqual(right.bytes[other.name]) { $0.asciiLowercased == $1.asciiLowercased }
                    && left.bytes[one.value].elementsEqual(right.bytes[other.value])
            }
    }
}

extension Headers: Sequence {
    /// The fields in order, as Strings.
    package func makeIterator() -> some IteratorProtocol<(name: String, value: String)> {
        fields.lazy.map { (name: text($0.name), value: text($0.value)) }.makeIterator()
    }
}

extension Headers: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral pairs: (String, String)...) {
        self.init()
        for (name, value) in pairs { append(name, value) }
    }
}
