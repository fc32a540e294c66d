/// One record for the audit: an intent, its outcome, a refusal, a change of a key, or another event.
///
/// It has fields and no text of a line: its sender, even a worker that was taken over, has no say in how the line is written.
struct AuditRecord: Equatable, Sendable {
    enum Kind: UInt8, CaseIterable, Sendable {
        /// Written to the disk before the Hub is asked.
        case intent = 1
        /// The outcome of an intent; it has the same `request_id`.
        case outcome
        case refusal
        /// A key was made, changed, rotated or revoked.
        case keyEvent
        /// A client got a key, or was refused one.
        case login

        // By the state process alone.
        /// The first line of each file.
        case begin
        case start, stop
        /// The outcome of an intent is not known.
        case unknown
        /// For a time nothing could be written.
        case gap
        /// A line that a crash has cut was moved to a file of its own.
        case torn
        /// A file was removed by `audit_keep`.
        case removed
        /// A deleted repository was restored, or deleted for good.
        case trash
        /// An administrator did something with the gateway itself.
        case admin

        /// Its name in a line.
        var name: String { self == .keyEvent ? "key-event" : "\(self)" }

        /// Whether a worker may send it.
        var isOfWorkers: Bool {
            switch self {
            case .intent, .outcome, .refusal, .login: true
            default: false
            }
        }
    }

    enum Value: Equatable, Sendable {
        case text(String)
        case number(Int64)
        case list([String])
    }

    let kind: Kind
    /// They are written in the order of the fields' numbers.
    private(set) var values: [AuditField: Value] = [:]

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// The same fields for another kind.
    init(_ kind: Kind, as other: AuditRecord) {
        self.kind = kind
        values = other.values
    }

    /// Nil removes the field. A text that is too long is cut.
    mutating func set(_ field: AuditField, _ text: String?) {
        values[field] = text.map { .text(Self.cut($0, to: field.longest)) }
    }

    mutating func set(_ field: AuditField, _ number: (some BinaryInteger)?) {
        values[field] = number.map { .number(Int64(clamping: $0)) }
    }

    mutating func set(_ field: AuditField, list: [String]) {
        values[field] =
            list.isEmpty ? nil : .list(list.prefix(AuditField.mostInList).map { Self.cut($0, to: field.longest) })
    }

    func text(_ field: AuditField) -> String? {
        guard case .text(let text) = values[field] else { return nil }
        return text
    }

    private static func cut(_ text: String, to longest: Int) -> String {
        guard text.utf8.count > longest else { return text }
        return String(decoding: text.utf8.prefix(longest), as: UTF8.self) + "…"
    }
}

extension AuditRecord {
    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(kind.rawValue)
        for field in AuditField.allCases {
            guard let value = values[field] else { continue }
            writer.put(field.rawValue)
            switch value {
            case .text(let text): writer.put(text)
            case .number(let number): writer.put(number)
            case .list(let list): writer.put(list)
            }
        }
        return writer.bytes
    }

    /// Nil for bytes that `bytes` cannot have made. Invalid UTF-8 becomes U+FFFD, and a text that is too long is cut.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let kind = reader.number(UInt8.self).flatMap(Kind.init(rawValue:)) else { return nil }
        self.kind = kind
        while !reader.isAtEnd {
            guard let field = reader.number(UInt8.self).flatMap(AuditField.init(rawValue:)) else { return nil }
            switch field.form {
            case .text:
                guard let text = reader.text() else { return nil }
                set(field, text)
            case .number:
                guard let number = reader.number(Int64.self) else { return nil }
                set(field, number)
            case .list:
                guard let list = reader.texts() else { return nil }
                set(field, list: list)
            }
        }
    }

    /// In the form for the state process.
    var stateRecord: StateRecord { StateRecord(kind: .audit, payload: bytes) }
}
