/// The use of each `Idempotency-Key` in the last day.
struct IdempotencyTable {
    let database: Database

    /// How long a key is remembered, in seconds.
    static let memory: Int64 = 86_400
    /// No call takes so long, in seconds: a claim without a response after that time will never have one.
    static let longestCall: Int64 = 3600
    /// Keys that are remembered for one owner, and for all.
    var mostOfOwner: Int64 = 10_000
    var most: Int64 = 100_000

    /// Values of the column `outcome`.
    private enum Outcome: Int64 { case unknown, answered }

    /// `live`: the present senders; nil while some have not said hello yet.
    func claim(
        _ claim: IdempotencyClaim, by sender: Int64, now: Int64, live: Set<Int64>?
    ) throws(DatabaseError) -> IdempotencyAnswer {
        try database.prepare("DELETE FROM idempotency WHERE created <= ?1").run(.integer(now - Self.memory))
        let statement = try database.prepare(
            "SELECT content, sender, nonce, created, outcome, response FROM idempotency WHERE id = ?1")
        try statement.bind([.blob(claim.id)])
        guard try statement.step() else { return try insert(claim, by: sender, now: now) }
        guard statement.blob(0) == claim.content else { return .otherRequest }
        switch statement.optionalInteger(4).map(Outcome.init(rawValue:)) {
        case .some(.answered): return KeptResponse(statement.blob(5)).map { .answered($0) } ?? .unknown
        case .some: return .unknown
        case nil: break
        }
        let holder = statement.integer(1)
        if holder == sender, statement.integer(2) == claim.nonce { return .granted }
        let isGone = live.map { !$0.contains(holder) } ?? false
        return isGone || statement.integer(3) <= now - Self.longestCall ? .unknown : .running
    }

    private func insert(
        _ claim: IdempotencyClaim, by sender: Int64, now: Int64
    ) throws(DatabaseError) -> IdempotencyAnswer {
        let counts = try database.prepare(
            """
            SELECT (SELECT count(*) FROM (SELECT 1 FROM idempotency WHERE owner = ?1 LIMIT ?2)),
                (SELECT count(*) FROM (SELECT 1 FROM idempotency LIMIT ?3))
            """)
        try counts.bind([.integer(claim.owner), .integer(mostOfOwner), .integer(most)])
        guard try counts.step(), counts.integer(0) < mostOfOwner, counts.integer(1) < most else {
            return .full
        }
        try database.prepare(
            "INSERT INTO idempotency (id, owner, content, sender, nonce, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        ).run(
            .blob(claim.id), .integer(claim.owner), .blob(claim.content), .integer(sender), .integer(claim.nonce),
            .integer(now))
        return .granted
    }

    /// Ends a claim that has no outcome yet; it does nothing for another.
    func end(_ end: IdempotencyEnd) throws(DatabaseError) {
        switch end.outcome {
        case .released:
            try database.prepare("DELETE FROM idempotency WHERE id = ?1 AND nonce = ?2 AND outcome IS NULL")
                .run(.blob(end.id), .integer(end.nonce))
        case .unknown: try set(.unknown, nil, end)
        case .answered(let response): try set(.answered, response.bytes, end)
        }
    }

    private func set(_ outcome: Outcome, _ response: [UInt8]?, _ end: IdempotencyEnd) throws(DatabaseError) {
        try database.prepare(
            "UPDATE idempotency SET outcome = ?3, response = ?4 WHERE id = ?1 AND nonce = ?2 AND outcome IS NULL"
        ).run(.blob(end.id), .integer(end.nonce), .integer(outcome.rawValue), .init(response))
    }
}
