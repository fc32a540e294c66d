import HTTP
import Hub

/// Looks for acts in the audit backwards. An outcome stands after its act, so it is met first, and kept until the act is met.
struct AuditSearch {
    private struct Key: Hashable {
        let worker: Int
        let requestID: [UInt8]
    }

    private let filter: AuditHistory.Filter
    private let limit: Int
    /// Outcomes without their intents so far: unless the audit is damaged, no more than were under way at one time.
    private var outcomes: [Key: [UInt8]] = [:]
    private(set) var rows: [JSON] = []
    /// Where the next page begins, if this one ended within a piece.
    private(set) var stop: AuditPiece.Place?
    /// A line older than the requested time was met.
    private(set) var isPastSince = false

    private static let mostOutcomes = 65_536

    init(_ filter: AuditHistory.Filter, limit: Int) {
        (self.filter, self.limit) = (filter, limit)
    }

    var isFull: Bool { rows.count >= limit }

    /// Takes up a piece, from its last line to its first.
    mutating func take(_ piece: AuditPiece) {
        var end = piece.lines.count
        while end > 0, !isFull, !isPastSince {
            let before = piece.lines[..<(end - 1)].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            take(Array(piece.lines[before..<(end - 1)]))
            end = before
        }
        guard isFull, end > 0 else {
            stop = nil
            return
        }
        // A piece tells where its first line begins, or that it is the first of its file.
        stop = piece.start.map { AuditPiece.Place(serial: $0.serial, offset: $0.offset + end) }
    }

    /// Takes up the outcomes of a piece after `place`, and nothing else.
    mutating func noteOutcomes(in piece: AuditPiece, from place: AuditPiece.Place) {
        guard let start = piece.start, start.serial == place.serial else { return }
        var offset = start.offset
        for line in piece.lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            defer { offset += line.count + 1 }
            guard offset >= place.offset, let head = AuditLineHead(line), head.kind == .outcome || head.kind == .unknown
            else { continue }
            outcomes[Key(worker: head.worker, requestID: head.requestID)] = Array(line)
        }
    }

    private mutating func take(_ line: [UInt8]) {
        guard let head = AuditLineHead(line[...]) else { return }
        if let since = filter.since, head.time < since {
            isPastSince = true
            return
        }
        let key = Key(worker: head.worker, requestID: head.requestID)
        switch head.kind {
        case .outcome, .unknown:
            if outcomes.count < Self.mostOutcomes { outcomes[key] = line }
        case .intent:
            var history = AuditHistory(filter, most: 1)
            history.take(line)
            if let outcome = outcomes.removeValue(forKey: key) { history.take(outcome) }
            keep(history)
        default:
            var history = AuditHistory(filter, most: 1)
            history.take(line)
            keep(history)
        }
    }

    private mutating func keep(_ history: AuditHistory) {
        if let row = history.rows.first {
            rows.append(.object(row.members.merging(["result": .string(row.cells[4])]) { $1 }))
        }
    }
}

/// Whether lines of the audit fit each other, read backwards: as `AuditCheck`, for callers that cannot read the files.
struct AuditBackwardCheck {
    /// What the next line says of the line before it.
    struct Following: Equatable {
        let number: Int64
        let previous: [UInt8]
    }

    var following: Following?
    private(set) var lines = 0
    private(set) var faults: [String] = []

    private static let mostFaults = 20

    mutating func take(_ piece: [UInt8]) {
        for line in piece.split(separator: UInt8(ascii: "\n")).reversed() {
            lines += 1
            guard let head = AuditLineHead(line) else {
                note("before line \(following.map { "\($0.number)" } ?? "the end"): it is no line of an audit")
                following = nil
                continue
            }
            if let following {
                if head.number != following.number - 1 {
                    note(
                        "before line \(following.number) comes line \(head.number): lines are missing, or out of their order"
                    )
                } else if AuditLine.hash(Array(line)) != following.previous {
                    note("line \(head.number) was changed: the line after it says that it was another")
                }
            }
            following = Following(number: head.number, previous: head.previous)
        }
    }

    private mutating func note(_ fault: String) {
        if faults.count < Self.mostFaults { faults.append(fault) }
    }
}
