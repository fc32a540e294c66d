/// What stands at the beginning of a line of the audit, read by its exact form and not as JSON: a tail of many megabytes is looked
/// through at each start.
struct AuditLineHead {
    let number: Int64
    /// SHA-256 of the line before.
    let previous: [UInt8]
    let time: String
    let kind: AuditRecord.Kind
    let run: String
    let worker: Int
    /// Nil for a line of the state process itself.
    let record: Record?
    /// As it is escaped in the line; empty for none.
    let requestID: [UInt8]

    struct Record: Hashable, Sendable {
        let sender: Int64
        let sequence: Int64
    }

    /// What joins an intent and its end.
    struct Act: Hashable, Sendable {
        let worker: Int
        /// As it is escaped in the line.
        let requestID: [UInt8]
    }

    var act: Act { Act(worker: worker, requestID: requestID) }

    /// More than any audit has; adding one cannot overflow.
    private static let mostLines: Int64 = 1 << 60

    /// Nil for a line that no writer of ours has written. `line` is without its line feed.
    init?(_ line: ArraySlice<UInt8>) {
        var reader = Reader(rest: line)
        guard reader.skip("{\"n\":"), let number = reader.number(), reader.skip(",\"prev\":\""),
            let hash = reader.text(), hash.count == 64, let previous = Hex.bytes(hash), reader.skip(",\"time\":\""),
            let time = reader.text(), reader.skip(",\"kind\":\""), let kindName = reader.text(),
            let kind = Self.kinds[String(decoding: kindName, as: UTF8.self)], reader.skip(",\"run\":\""),
            let run = reader.text(), reader.skip(",\"worker\":"), let worker = reader.number(),
            line.last == UInt8(ascii: "}"), (1..<Self.mostLines).contains(number)
        else { return nil }
        self.number = number
        self.previous = previous
        self.time = String(decoding: time, as: UTF8.self)
        self.kind = kind
        self.run = String(decoding: run, as: UTF8.self)
        self.worker = Int(worker)
        record = reader.skip(",\"record\":\"") ? reader.text().flatMap(Record.init) : nil
        requestID = reader.skip(",\"request_id\":\"") ? reader.text().map(Array.init) ?? [] : []
    }

    private static let kinds = Dictionary(
        uniqueKeysWithValues: AuditRecord.Kind.allCases.map { ($0.name, $0) })

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ text: String) -> Bool {
            guard rest.starts(with: text.utf8) else { return false }
            rest = rest.dropFirst(text.utf8.count)
            return true
        }

        mutating func number() -> Int64? {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return Int64(String(decoding: digits, as: UTF8.self))
        }

        /// Up to the quote that ends the string, which is left out.
        mutating func text() -> ArraySlice<UInt8>? {
            var index = rest.startIndex
            while index < rest.endIndex, rest[index] != UInt8(ascii: "\"") {
                index += rest[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard index < rest.endIndex else { return nil }
            defer { rest = rest[(index + 1)...] }
            return rest[rest.startIndex..<index]
        }
    }
}

extension AuditLineHead.Record {
    /// As `AuditLine.Origin.id` writes it.
    fileprivate init?(_ text: ArraySlice<UInt8>) {
        let parts = text.split(separator: UInt8(ascii: "-"))
        guard parts.count == 2, let sender = UInt64(String(decoding: parts[0], as: UTF8.self), radix: 16),
            let sequence = Int64(String(decoding: parts[1], as: UTF8.self))
        else { return nil }
        self.init(sender: Int64(bitPattern: sender), sequence: sequence)
    }
}
