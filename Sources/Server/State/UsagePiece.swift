import Hub

/// The usage of keys, added up over so many lines of the table as the state process may read without holding up changes: an administrator's question is
/// answered a piece at a time, however much there is.
struct UsagePiece: Equatable, Sendable {
    struct Question: Equatable, Sendable {
        let grouping: UsageTable.Grouping
        /// Since 1970, in UTC.
        let days: ClosedRange<Int64>
        /// Nil: for all keys.
        var publicID: Int64?
        /// The last line that the piece before has counted; nil: this is the first piece.
        var after: UsageReport.Subject?
    }

    /// By `UsageTable.Row.group`.
    var groups: [String: UsageReport.Counts] = [:]
    /// Nil: this is the last piece.
    var next: UsageReport.Subject?
}

extension UsageTable {
    /// Lines of the table in a piece; a few milliseconds.
    private static let linesOfPiece = 2000
    /// The most bytes of a piece's groups: an answer has room for it.
    private static let bytesOfPiece = 48 << 10

    /// Adds up the next lines as `rows` does.
    func piece(_ question: UsagePiece.Question) throws(DatabaseError) -> UsagePiece {
        var (piece, lines, bytes) = (UsagePiece(), 0, 0)
        let statement = try database.prepare(
            """
            SELECT public_id, action, resource, requests, errors, upstream_calls, bytes_in, bytes_out, tokens_in, tokens_out
            FROM usage WHERE day = ?1 AND (public_id, action, resource) > (?2, ?3, ?4) AND public_id <= ?5
            ORDER BY public_id, action, resource LIMIT \(Self.linesOfPiece)
            """)
        var last = question.after
        var day = last?.day
        if day == nil { day = try firstDay(from: question.days.lowerBound) }
        while let present = day, present <= question.days.upperBound {
            let after = last.flatMap { $0.day == present ? $0 : nil }
            // The lines of one key and day are neighbours.
            let start = after ?? .init(day: present, publicID: question.publicID ?? .min, action: "", resource: "")
            try statement.bind([
                .integer(present), .integer(start.publicID), .text(start.action), .text(start.resource),
                .integer(question.publicID ?? .max),
            ])
            while try statement.step() {
                let subject = UsageReport.Subject(
                    day: present, publicID: statement.integer(0), action: statement.text(1), resource: statement.text(2)
                )
                lines += 1
                if let group = question.grouping.group(of: subject) {
                    bytes += piece.groups[group] == nil ? group.utf8.count + 64 : 0
                    piece.groups[group, default: .init()].addBounded(statement.counts(from: 3))
                }
                last = subject
                if lines >= Self.linesOfPiece || bytes >= Self.bytesOfPiece {
                    piece.next = subject
                    statement.reset()
                    return piece
                }
            }
            day = try firstDay(from: present + 1)
        }
        return piece
    }

    private func firstDay(from day: Int64) throws(DatabaseError) -> Int64? {
        let statement = try database.prepare("SELECT day FROM usage WHERE day >= ?1 ORDER BY day LIMIT 1")
        try statement.bind([.integer(day)])
        return try statement.step() ? statement.integer(0) : nil
    }
}

extension UsageTable.Grouping {
    fileprivate static let modelAction = "infer"

    /// Nil: such a line is not counted here.
    func group(of subject: UsageReport.Subject) -> String? {
        switch self {
        case .key: String(subject.publicID)
        case .action: subject.action
        case .repo: subject.action == Self.modelAction ? nil : subject.resource
        case .model: subject.action == Self.modelAction ? subject.resource : nil
        case .day: String(subject.day)
        }
    }
}

extension UsageReport.Counts {
    /// With the same bound as the table's own sums.
    mutating func addBounded(_ others: UsageReport.Counts) {
        for place in Self.places {
            self[place] = min(self[place] + min(max(others[place], 0), 1 << 60), 1 << 60)
        }
    }
}

extension Statement {
    /// The counts in the columns from `column` on.
    fileprivate func counts(from column: Int32) -> UsageReport.Counts {
        var counts = UsageReport.Counts()
        for place in UsageReport.Counts.places {
            counts[place] = integer(column + Int32(place))
        }
        return counts
    }
}

// MARK: between processes

extension UsagePiece {
    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(next) { $0.put($1) }
        for (group, counts) in groups {
            writer.put(group)
            for place in UsageReport.Counts.places { writer.put(counts[place]) }
        }
        return writer.bytes
    }

    /// Nil for bytes that `bytes` cannot have made.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let next = reader.optional({ $0.subject() }) else { return nil }
        self.next = next
        while !reader.isAtEnd {
            guard let group = reader.text() else { return nil }
            var counts = UsageReport.Counts()
            for place in UsageReport.Counts.places {
                guard let count = reader.number(Int64.self), (0...1 << 60).contains(count) else { return nil }
                counts[place] = count
            }
            groups[group] = counts
        }
    }
}

extension ByteWriter {
    fileprivate mutating func put(_ subject: UsageReport.Subject) {
        put(subject.day)
        put(subject.publicID)
        put(subject.action)
        put(subject.resource)
    }
}

extension ByteReader {
    fileprivate mutating func subject() -> UsageReport.Subject? {
        guard let day = number(Int64.self), let publicID = number(Int64.self), let action = text(),
            let resource = text()
        else { return nil }
        return UsageReport.Subject(day: day, publicID: publicID, action: action, resource: resource)
    }
}

extension UsagePiece.Question {
    /// In the form of arguments of an administrator's order.
    var json: JSON {
        var members: [String: JSON] = [
            "by": .string(grouping.rawValue), "from": .integer(days.lowerBound), "to": .integer(days.upperBound),
        ]
        if let publicID { members["public_id"] = .integer(publicID) }
        if let after {
            members["after"] = [
                "day": .integer(after.day), "public_id": .integer(after.publicID), "action": .string(after.action),
                "resource": .string(after.resource),
            ]
        }
        return .object(members)
    }

    /// Nil for JSON that `json` cannot have made.
    init?(_ json: JSON) {
        guard let grouping = json["by"]?.stringValue.flatMap(UsageTable.Grouping.init(rawValue:)),
            let from = json["from"]?.integerValue, let to = json["to"]?.integerValue, (0...to).contains(from),
            to < 1 << 32
        else { return nil }
        self.grouping = grouping
        days = from...to
        publicID = json["public_id"]?.integerValue
        guard let after = json["after"] else { return }
        guard let day = after["day"]?.integerValue, let publicID = after["public_id"]?.integerValue,
            let action = after["action"]?.stringValue, let resource = after["resource"]?.stringValue
        else { return nil }
        self.after = UsageReport.Subject(day: day, publicID: publicID, action: action, resource: resource)
    }
}
