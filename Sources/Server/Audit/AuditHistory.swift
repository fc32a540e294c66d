import HTTP
import Hub

/// What was done, and by which key: the lines of an audit, an intent and its outcome as one row.
struct AuditHistory {
    /// Which rows are wanted. What is nil or false does not matter.
    struct Filter {
        /// A name or an id.
        var key: String?
        /// Of `owner/name`.
        var repo: String?
        var action: String?
        /// The beginning of a time in UTC, as lines have it.
        var since: String?
        var requestID: String?
        var refusals = false
        var unknown = false
    }

    struct Row {
        let number: Int64
        fileprivate(set) var kind: AuditRecord.Kind
        /// The members of the line; those of the outcome replace them.
        fileprivate(set) var members: [String: JSON]
        fileprivate(set) var hasEnded: Bool
    }

    private static let limits = JSONLimits(bytes: 1 << 20, depth: 4, values: 1024)

    private let filter: Filter
    private let most: Int
    private var underWay: [AuditLineHead.Act: Row] = [:]
    private var ended: [Row] = []

    /// Keeps the last `most` rows.
    init(_ filter: Filter, most: Int) {
        (self.filter, self.most) = (filter, most)
    }

    /// Takes up a line. The row that it ends, if it is wanted.
    @discardableResult
    mutating func take(_ line: [UInt8]) -> Row? {
        guard let head = AuditLineHead(line[...]), isShown(head.kind) else { return nil }
        let act = head.act
        let isEnd = head.kind == .outcome || head.kind == .unknown
        // Before the line is parsed: most lines are of other days.
        if !isEnd, let since = filter.since, head.time < since { return nil }
        if isEnd, underWay[act] == nil { return nil }
        guard case .object(let members)? = try? JSON.parse(line, within: Self.limits) else { return nil }
        guard isEnd else {
            let row = Row(number: head.number, kind: head.kind, members: members, hasEnded: head.kind != .intent)
            guard isWanted(row) else { return nil }
            guard head.kind != .intent else {
                underWay[act] = row
                return nil
            }
            return keep(row)
        }
        guard var row = underWay.removeValue(forKey: act) else { return nil }
        (row.kind, row.hasEnded) = (head.kind, true)
        let time = row.members["time"]
        row.members.merge(members) { $1 }
        row.members["ended"] = members["time"]
        row.members["time"] = time
        return keep(row)
    }

    private mutating func keep(_ row: Row) -> Row? {
        guard !filter.refusals || row.isRefusal, !filter.unknown || row.kind == .unknown else { return nil }
        ended.append(row)
        if ended.count > 2 * most { ended.removeFirst(ended.count - most) }
        return row
    }

    /// The last of them in the order in which they began.
    var rows: [Row] {
        let open = filter.refusals || filter.unknown ? [] : Array(underWay.values)
        return (ended + open).sorted { $0.number < $1.number }.suffix(most)
    }

    private func isShown(_ kind: AuditRecord.Kind) -> Bool {
        switch kind {
        case .intent, .outcome, .unknown, .refusal, .keyEvent, .login, .trash, .admin: true
        default: false
        }
    }

    private func isWanted(_ row: Row) -> Bool {
        func has(_ wanted: String?, _ fields: AuditField...) -> Bool {
            wanted == nil || fields.contains { row.text($0) == wanted }
        }
        let isOfKind = filter.action == AuditRecord.Kind.login.name && row.kind == .login
        guard has(filter.key, .key, .keyID, .by, .subject), isOfKind || has(filter.action, .action, .event),
            has(filter.requestID, .requestID)
        else { return false }
        guard let repo = filter.repo else { return true }
        return [AuditField.resource, .newName].contains { field in
            row.text(field).map { Self.fits(repo, $0) } ?? false
        }
    }

    /// `model:acme/x` fits `acme/*` and `model:acme/*`.
    private static func fits(_ pattern: String, _ resource: String) -> Bool {
        let name = resource.firstIndex(of: ":").map { String(resource[resource.index(after: $0)...]) } ?? resource
        return [resource, name].contains { text in
            let (pattern, text) = (pattern.split(separator: "/"), text.split(separator: "/"))
            return pattern.count == text.count
                && zip(pattern, text).allSatisfy { Glob.matches($0.utf8.span, $1.utf8.span, isCaseless: true) }
        }
    }
}

extension AuditHistory.Row {
    func text(_ field: AuditField) -> String? { members[field.name]?.stringValue }

    private func number(_ field: AuditField) -> Int64? {
        guard case .integer(let number) = members[field.name] else { return nil }
        return number
    }

    static let columns = ["TIME", "KEY", "ACTION", "RESOURCE", "RESULT", "BY WHICH RULE", "FROM", "REQUEST"]

    /// For people.
    var cells: [String] {
        let time = members["time"]?.stringValue.map { String($0.prefix(19)) }
        let cells = [time, who, what, toWhat, result, text(.rule), text(.address), text(.requestID)]
        return cells.map { ($0 ?? "-").visible }
    }

    fileprivate var isRefusal: Bool { kind == .refusal || kind == .login && text(.decision) == "refused" }

    private var who: String? {
        switch kind {
        case .keyEvent, .trash: text(.by)
        case .login: text(.subject) ?? text(.by) ?? text(.key)
        default: text(.key)
        }
    }

    private var what: String? {
        switch kind {
        case .keyEvent: text(.event).map { "key \($0)" }
        case .trash: text(.event).map { "trash \($0)" }
        case .login: text(.event).map { $0 == kind.name ? $0 : "login \($0)" }
        default: text(.action) ?? text(.event)
        }
    }

    private var toWhat: String? {
        guard kind != .keyEvent, kind != .login else { return text(.key) }
        guard let resource = text(.resource), let newName = text(.newName) else { return text(.resource) }
        return "\(resource) -> \(newName)"
    }

    private var result: String {
        let words = [number(.status).map { String($0) }, text(.code)].compactMap(\.self)
        let status = words.isEmpty ? "" : " (\(words.joined(separator: " ")))"
        switch kind {
        case .intent: return "under way"
        case .unknown: return "unknown"
        case .refusal: return "refused" + status
        case .outcome:
            switch text(.outcome) {
            case AuditOutcome.answered.rawValue: return number(.status).map { "\($0)" } ?? "answered"
            case AuditOutcome.notSent.rawValue: return "not done" + status
            default: return "unclear" + status
            }
        case .login: return (text(.decision) ?? "done") + (isRefusal ? text(.detail).map { ": \($0)" } ?? "" : "")
        default: return "done"
        }
    }
}

extension String {
    /// Without characters that a terminal obeys or hides.
    fileprivate var visible: String {
        let scalars = unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
            default: scalar
            }
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }
}
