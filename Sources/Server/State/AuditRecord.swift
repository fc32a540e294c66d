/// One thing for the audit: what is about to be done, what came of it, what was refused, what became of a key.
///
/// It is fields and no text of a line: who sends it, a worker that was taken over too, has no say in how the line is written.
struct AuditRecord: Equatable, Sendable {
    enum Kind: UInt8, CaseIterable, Sendable {
        /// On the disk before the Hub is asked.
        case intent = 1
        /// What came of an intent; it has the same `request_id`.
        case outcome
        case refusal
        /// A key was made, changed, rotated or revoked.
        case keyEvent
        /// A client got a key, or did not.
        case login

        // By the state process alone.
        /// The first line of each file.
        case begin
        case start, stop
        /// Of an intent whose outcome is unknown.
        case unknown
        /// For a time nothing could be written.
        case gap
        /// A line that a crash has cut, put into a file of its own.
        case torn
        /// A file that `audit_keep` has removed.
        case removed
        /// A repository that was deleted was restored, or deleted for good.
        case trash
        /// What an administrator did with the gateway itself.
        case admin

        /// As it stands in a line.
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
    /// In the order of the fields' numbers once they are written.
    private(set) var values: [AuditField: Value] = [:]

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// The same fields for another kind.
    init(_ kind: Kind, as other: AuditRecord) {
        self.kind = kind
        values = other.values
    }

    /// Nil takes the field away. What is too long is cut.
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

    /// Nil for what `bytes` cannot have made. Bytes that are no UTF-8 become U+FFFD, and what is too long is cut.
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

    /// For the state process.
    var stateRecord: StateRecord { StateRecord(kind: .audit, payload: bytes) }
}
