import EventIO
import HTTP
import Hub

/// The audit, read backwards in pieces: the state process reads each, and this worker looks through it between two turns of the loop.
extension AdminServices {
    /// Pieces that one request looks through: 48 KiB each, so 12 MiB.
    private static let mostPieces = 256

    /// One page of rows, the newest first, as `hubgate audit show --json` prints each.
    func audit(
        _ query: inout [String: String], _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        var filter = AuditHistory.Filter(
            key: query["key"], repo: query["repo"], action: query["action"],
            since: try query["since"].map { (text) throws(Failure) in
                guard let time = AuditTime.beginning(text) else {
                    throw .badRequest("since has to be \(AuditTime.accepted).")
                }
                return time
            }, requestID: query["request"])
        filter.refusals = try Self.flag(query, "refusals")
        filter.unknown = try Self.flag(query, "unknown")
        let limit = try Self.limit(query)
        var place = try query["before"].map { (text) throws(Failure) in try Self.place(text) }
        var search = AuditSearch(filter, limit: limit)
        var isAtEnd = false
        if let place {
            // The outcomes of this page's newest acts stand a little later in the file.
            let later = AuditPiece.Place(serial: place.serial, offset: place.offset + AuditPiece.longest)
            search.noteOutcomes(in: try await piece(later, caller, context), from: place)
        }
        for _ in 0..<Self.mostPieces where !search.isFull && !isAtEnd {
            let piece = try await piece(place, caller, context)
            search.take(piece)
            isAtEnd = piece.before == nil || search.isPastSince
            place = search.stop ?? piece.before
        }
        let next: JSON =
            isAtEnd && search.stop == nil ? .null : place.map { .string("\($0.serial).\($0.offset)") } ?? .null
        return ["rows": .array(search.rows), "next": next]
    }

    private func piece(
        _ place: AuditPiece.Place?, _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> AuditPiece {
        var arguments: [String: JSON] = [:]
        if let place {
            arguments = ["serial": .integer(Int64(place.serial)), "offset": .integer(Int64(place.offset))]
        }
        guard let proof = caller.proof else { throw .stateSilent }
        let answer = try await state.ask(
            AdminOrder(proof: proof, address: context.address, act: .auditPiece, arguments: .object(arguments)))
        switch answer.outcome {
        case .done: break
        case .noAdministrator: throw .notSignedIn
        default: throw Failure(.notFound, detail: "This gateway keeps no audit (audit_dir is off).")
        }
        guard let piece = AuditPiece(answer.body) else { throw .stateSilent }
        return piece
    }

    private static func place(_ text: String) throws(Failure) -> AuditPiece.Place {
        let parts = text.split(separator: ".").compactMap { Int($0) }
        guard parts.count == 2, parts.allSatisfy({ (0...1 << 60).contains($0) }) else {
            throw .badRequest("before has to be the member next of the page before.")
        }
        return AuditPiece.Place(serial: parts[0], offset: parts[1])
    }

    /// Whether the lines of the last 12 MiB before a place fit each other.
    func verify(
        _ query: [String: String], _ caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> JSON {
        var check = AuditBackwardCheck()
        var place: AuditPiece.Place?
        if let before = query["before"] {
            let parts = before.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 4, let number = Int64(parts[2]), (0...1 << 60).contains(number),
                let hash = Hex.bytes(Array(parts[3].utf8)[...]),
                hash.count == 32
            else { throw .badRequest("before has to be the member next of the piece before.") }
            place = try Self.place("\(parts[0]).\(parts[1])")
            check.following = .init(number: number, previous: hash)
        }
        for _ in 0..<Self.mostPieces {
            let piece = try await piece(place, caller, context)
            check.take(piece.lines)
            place = piece.before
            if place == nil { break }
        }
        let next = place.flatMap { place in
            check.following.map {
                "\(place.serial).\(place.offset).\($0.number).\(String(decoding: Hex.text($0.previous), as: UTF8.self))"
            }
        }
        return [
            "good": .bool(check.faults.isEmpty), "lines": .integer(Int64(check.lines)),
            "faults": .array(check.faults.map { .string($0) }), "next": next.map { .string($0) } ?? .null,
        ]
    }
}
