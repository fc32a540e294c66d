import Hub

/// The intents of which nobody has told yet what came of them.
struct OpenIntents {
    struct Intent {
        let number: Int64
        let worker: Int
        let sender: Int64
        let run: String
        /// Without its line feed.
        let line: [UInt8]
    }

    private struct Key: Hashable {
        let worker: Int
        /// As it is escaped in the line.
        let requestID: [UInt8]
    }

    /// As many as all workers can have under way, and more; a worker that was taken over may send intents alone.
    static let most = 65_536

    private var intents: [Key: Intent] = [:]

    var isFull: Bool { intents.count >= Self.most }

    /// Takes up what a line says.
    mutating func note(_ head: AuditLineHead, _ line: [UInt8]) {
        guard !head.requestID.isEmpty else { return }
        let key = Key(worker: head.worker, requestID: head.requestID)
        switch head.kind {
        case .intent:
            intents[key] = Intent(
                number: head.number, worker: head.worker, sender: head.record?.sender ?? 0, run: head.run, line: line)
        case .outcome, .unknown: intents[key] = nil
        default: break
        }
    }

    /// Those that `condition` holds for, the oldest first. They stay open until a line says otherwise.
    func all(where condition: (Intent) -> Bool = { _ in true }) -> [Intent] {
        intents.values.filter(condition).sorted { $0.number < $1.number }
    }
}

extension OpenIntents.Intent {
    /// That nobody will tell any more what came of it; nil where the line cannot be read.
    var unknown: AuditRecord? {
        guard let record = AuditRecord(.unknown, line: line) else { return nil }
        var unknown = record
        unknown.set(.intent, number)
        unknown.set(.outcome, AuditOutcome.unclear.rawValue)
        return unknown
    }
}

extension AuditRecord {
    private static let limits = JSONLimits(bytes: 256 << 10, depth: 3, values: 512)

    /// The fields of a line, for a record of that kind. Nil where it cannot be read.
    init?(_ kind: Kind, line: [UInt8]) {
        guard let json = try? JSON.parse(line, within: Self.limits) else { return nil }
        self.init(kind)
        for field in AuditField.allCases {
            switch (field.form, json[field.name]) {
            case (.text, .string(let text)): set(field, text)
            case (.number, .integer(let number)): set(field, number)
            case (.list, .array(let elements)): set(field, list: elements.compactMap(\.stringValue))
            default: break
            }
        }
    }
}

/// What is known of an act when its request has ended.
enum AuditOutcome: String, Sendable {
    /// The Hub answered: `status` says how.
    case answered
    /// Nothing was asked of the Hub, or it could not be reached.
    case notSent = "not-sent"
    /// The Hub was asked and no whole response came: it may have been carried out.
    case unclear
}
