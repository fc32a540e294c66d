import Hub

/// The intents without an outcome so far.
struct OpenIntents {
    struct Intent {
        let number: Int64
        let worker: Int
        let sender: Int64
        let run: String
        /// Without its line feed.
        let line: [UInt8]
    }

    /// More than all workers can have under way. It bounds what a worker that was taken over can add, which may send intents alone, and long ones.
    static let most = 65_536
    static let mostBytes = 64 << 20

    private var intents: [AuditLineHead.Act: Intent] = [:]
    /// Of all their lines.
    private(set) var bytes = 0

    var isFull: Bool { intents.count >= Self.most || bytes >= Self.mostBytes }

    /// Takes up what a line says.
    mutating func note(_ head: AuditLineHead, _ line: [UInt8]) {
        guard !head.requestID.isEmpty else { return }
        switch head.kind {
        case .intent:
            set(
                Intent(
                    number: head.number, worker: head.worker, sender: head.record?.sender ?? 0, run: head.run,
                    line: line),
                for: head.act)
        case .outcome, .unknown: set(nil, for: head.act)
        default: break
        }
    }

    private mutating func set(_ intent: Intent?, for act: AuditLineHead.Act) {
        bytes += intent?.line.count ?? 0
        bytes -= intents[act]?.line.count ?? 0
        intents[act] = intent
    }

    /// Those that meet `condition`, the oldest first. They stay open until a line ends them.
    func all(where condition: (Intent) -> Bool = { _ in true }) -> [Intent] {
        intents.values.filter(condition).sorted { $0.number < $1.number }
    }
}

extension OpenIntents.Intent {
    /// The record that no outcome will come; nil where the line cannot be read.
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
    /// The Hub was asked, or part of the request was sent, and no whole response came: it may have been carried out.
    case unclear
}
