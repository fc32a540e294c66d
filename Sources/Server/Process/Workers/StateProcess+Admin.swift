import EventIO
import Glibc
import Hub

/// Reads for administrators, besides the state process's own work: short, and without a transaction.
extension StateProcess {
    /// The answers to orders that only read. One that cannot be parsed has an answer, too: a worker waits for it.
    func answerReads(_ entries: [StateWriter.Entry]) -> [StateWriter.Answer] {
        entries.filter { $0.record.kind == .adminRead }.map { entry in
            StateWriter.Answer(
                sender: entry.sender, sequence: entry.sequence, payload: answer(AdminOrder(entry.record.payload)).bytes)
        }
    }

    private func answer(_ order: AdminOrder?) -> AdminAnswer {
        guard let order, order.act.isRead else { return AdminAnswer(outcome: .malformed) }
        guard let writer, let answer = try? writer.carryOut(order, now: Int64(WallClock.microseconds / 1_000_000))
        else {
            return AdminAnswer(outcome: .unavailable)
        }
        guard answer.outcome == .done else { return answer }
        switch order.act {
        case .auditPiece: return auditPiece(order.arguments)
        case .status: return .done(.object(disks))
        default: return answer
        }
    }

    /// The requests whose end administrators have ordered, of those `entries` that were carried out.
    func cancelled(_ entries: [StateWriter.Entry], _ answers: [StateWriter.Answer]) -> [String] {
        entries.filter { $0.record.kind == .admin }.compactMap { entry in
            guard let order = AdminOrder(entry.record.payload), order.act == .cancel,
                answers.contains(where: {
                    $0.sender == entry.sender && $0.sequence == entry.sequence
                        && AdminAnswer($0.payload)?.outcome == .done
                })
            else { return nil }
            return order.arguments["detail"]?.stringValue
        }
    }

    /// Whole lines of the audit before a place in it.
    private func auditPiece(_ arguments: JSON) -> AdminAnswer {
        guard let audit = journal?.directory else { return AdminAnswer(outcome: .notThere) }
        do throws(AuditError) {
            let place = arguments["serial"]?.integerValue.map { serial in
                AuditPiece.Place(
                    serial: Int(clamping: serial), offset: max(0, Int(clamping: arguments["offset"]?.integerValue ?? 0))
                )
            }
            let piece = try AuditPiece(before: place, in: audit)
            return AdminAnswer(outcome: .done, body: piece.bytes)
        } catch {
            return AdminAnswer(outcome: .unavailable)
        }
    }

    /// The free bytes where the state and the audit are.
    private var disks: [String: JSON] {
        var disks: [String: JSON] = ["state": Self.disk(directory.path)]
        if let journal { disks["audit"] = Self.disk(journal.directory.path) }
        return disks
    }

    private static func disk(_ path: String) -> JSON {
        var system = statvfs()
        guard unsafe statvfs(path, &system) == 0 else { return .null }
        let size = UInt64(system.f_frsize)
        return [
            "free_bytes": .integer(Int64(clamping: UInt64(system.f_bavail) &* size)),
            "size_bytes": .integer(Int64(clamping: UInt64(system.f_blocks) &* size)),
        ]
    }
}
