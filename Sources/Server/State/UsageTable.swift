/// The table of the usage of keys, by day.
struct UsageTable {
    let database: Database

    /// Lines with a resource that one key can have on a day. If there are more, the larger ones stay: the smallest is counted without its
    /// resource.
    static let mostOfKey: Int64 = 200
    /// The same for all keys together.
    static let mostOfDay: Int64 = 50_000
    private static let secondsADay: Int64 = 86_400

    func add(_ report: UsageReport, now: Int64) throws(DatabaseError) {
        let today = now / Self.secondsADay
        // A worker that was taken over may name any day.
        for line in report.lines where (today - 1...today + 1).contains(line.subject.day) {
            try add(line.counts, to: try placed(line))
        }
    }

    /// The line under which it is counted: with its resource as long as there is room.
    private func placed(_ line: UsageReport.Line) throws(DatabaseError) -> UsageReport.Subject {
        let subject = line.subject
        guard !subject.resource.isEmpty, try !isThere(subject) else { return subject }
        guard try count("day = ?1 AND resource <> ''", [.integer(subject.day)], Self.mostOfDay) < Self.mostOfDay else {
            return subject.withoutResource
        }
        let ofKey = "day = ?1 AND public_id = ?2 AND resource <> ''"
        let key: [Statement.Value] = [.integer(subject.day), .integer(subject.publicID)]
        guard try count(ofKey, key, Self.mostOfKey) >= Self.mostOfKey else { return subject }
        let least = try database.prepare(
            "SELECT action, resource, requests FROM usage WHERE \(ofKey) ORDER BY requests LIMIT 1")
        try least.bind(key)
        guard try least.step(), least.integer(2) <= line.counts.requests else { return subject.withoutResource }
        let evicted = UsageReport.Subject(
            day: subject.day, publicID: subject.publicID, action: least.text(0), resource: least.text(1))
        least.reset()
        try forgetResource(of: evicted)
        return subject
    }

    private func isThere(_ subject: UsageReport.Subject) throws(DatabaseError) -> Bool {
        let statement = try database.prepare(
            "SELECT 1 FROM usage WHERE day = ?1 AND public_id = ?2 AND action = ?3 AND resource = ?4")
        try statement.bind(subject.values)
        return try statement.step()
    }

    /// Counts up to `limit`.
    private func count(_ condition: String, _ values: [Statement.Value], _ limit: Int64) throws(DatabaseError) -> Int64
    {
        let statement = try database.prepare(
            "SELECT count(*) FROM (SELECT 1 FROM usage WHERE \(condition) LIMIT \(limit))")
        try statement.bind(values)
        return try statement.step() ? statement.integer(0) : 0
    }

    private static let columns =
        "requests, errors, upstream_calls, bytes_in, bytes_out, tokens_in, tokens_out"
    private static let sums = columns.split(separator: ", ").map { "\($0) = min(\($0) + excluded.\($0), 1 << 60)" }
        .joined(separator: ", ")

    private func add(_ counts: UsageReport.Counts, to subject: UsageReport.Subject) throws(DatabaseError) {
        let statement = try database.prepare(
            """
            INSERT INTO usage SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
            WHERE ?2 < 0 OR EXISTS (SELECT 1 FROM keys WHERE public_id = ?2)
            ON CONFLICT (day, public_id, action, resource) DO UPDATE SET \(Self.sums)
            """)
        try statement.bind(
            subject.values + UsageReport.Counts.places.map { .integer(counts[$0]) })
        while try statement.step() {}
    }

    private func forgetResource(of subject: UsageReport.Subject) throws(DatabaseError) {
        let merge = try database.prepare(
            """
            INSERT INTO usage SELECT day, public_id, action, '', \(Self.columns) FROM usage
            WHERE day = ?1 AND public_id = ?2 AND action = ?3 AND resource = ?4
            ON CONFLICT (day, public_id, action, resource) DO UPDATE SET \(Self.sums)
            """)
        try merge.bind(subject.values)
        while try merge.step() {}
        let remove = try database.prepare(
            "DELETE FROM usage WHERE day = ?1 AND public_id = ?2 AND action = ?3 AND resource = ?4")
        try remove.bind(subject.values)
        while try remove.step() {}
    }

    /// Before keys of logins that ended before `end` are removed, their usage is added up for all such keys together.
    func mergeLogins(expiredBefore end: Int64) throws(DatabaseError) {
        let gone = "public_id IN (SELECT public_id FROM keys WHERE login IS NOT NULL AND expires < ?1)"
        try database.prepare(
            """
            INSERT INTO usage SELECT day, 0, action, '', sum(requests), sum(errors), sum(upstream_calls), sum(bytes_in),
                sum(bytes_out), sum(tokens_in), sum(tokens_out)
            FROM usage WHERE \(gone) GROUP BY day, action
            ON CONFLICT (day, public_id, action, resource) DO UPDATE SET \(Self.sums)
            """
        ).run(.integer(end))
        try database.prepare("DELETE FROM usage WHERE \(gone)").run(.integer(end))
    }

    /// Keeps today and the `days` before it.
    func removeOld(now: Int64, days: Int64) throws(DatabaseError) {
        try database.prepare("DELETE FROM usage WHERE day < ?1").run(.integer(now / Self.secondsADay - days))
    }

    /// The groupings of `hubgate usage`.
    enum Grouping: String, CaseIterable, Sendable {
        case key, action, repo, model, day
    }

    struct Row: Equatable {
        /// For `Grouping.key` the public id, for the others the text.
        let group: String
        let counts: UsageReport.Counts
    }

    /// The rows of these days, the most requests first.
    func rows(by grouping: Grouping, days: ClosedRange<Int64>, of publicID: Int64? = nil, limit: Int64)
        throws(DatabaseError)
        -> [Row]
    {
        let column =
            switch grouping {
            case .key: "public_id"
            case .action: "action"
            case .repo, .model: "resource"
            case .day: "day"
            }
        let filter =
            switch grouping {
            case .repo: " AND action <> 'infer'"
            case .model: " AND action = 'infer'"
            case .key, .action, .day: ""
            }
        let order = grouping == .day ? "1 DESC" : "2 DESC, 1"
        let statement = try database.prepare(
            """
            SELECT CAST(\(column) AS TEXT), sum(requests), sum(errors), sum(upstream_calls), sum(bytes_in), sum(bytes_out),
                sum(tokens_in), sum(tokens_out)
            FROM usage WHERE day BETWEEN ?1 AND ?4 AND (?2 IS NULL OR public_id = ?2)\(filter) GROUP BY \(column) ORDER BY \(order) LIMIT ?3
            """)
        try statement.bind([
            .integer(days.lowerBound), .init(publicID), .integer(limit), .integer(days.upperBound),
        ])
        var rows: [Row] = []
        while try statement.step() {
            var counts = UsageReport.Counts()
            for place in UsageReport.Counts.places {
                counts[place] = statement.integer(Int32(place + 1))
            }
            rows.append(Row(group: statement.text(0), counts: counts))
        }
        return rows
    }
}

extension UsageReport.Subject {
    fileprivate var withoutResource: UsageReport.Subject {
        UsageReport.Subject(day: day, publicID: publicID, action: action, resource: "")
    }

    fileprivate var values: [Statement.Value] {
        [.integer(day), .integer(publicID), .text(action), .text(resource)]
    }
}
