import EventIO
import HTTP
import Hub

/// The acts on one repository of the trash. Each looks at the Hub first, and throws where it is to be tried again.
@EventLoop
struct TrashAct {
    let hub: HubClient
    let record: TrashRecord
    let context: RequestContext

    /// A call that was given up may still be under way at the Hub: only after so many looks, seconds apart, does a repository count as not moved.
    private static let looks = 2

    /// Finds out where the repository is, when the worker that moved it does not know.
    func resolve() async throws(Failure) -> TrashOutcome {
        guard let trashID = record.trashID else { return .lost("its record is damaged") }
        if case .there(let facts) = try await hub.look(record.kind, trashID, context) {
            if facts.isPrivate != true { try await setPrivate(true, trashID) }
            return .kept
        }
        if record.status == .undone { return .notMoved }
        guard record.attempts >= Self.looks else { return .later }
        guard case .there(let facts) = try await hub.look(record.kind, record.id, context), isSame(facts) else {
            return .lost("it is neither there nor under its own name")
        }
        // Of a space it is not known whether it was public or protected: it stays private.
        if record.wasPrivate == false, facts.isPrivate != false, record.kind != .space {
            try await setPrivate(false, record.id)
        }
        return .undone
    }

    func purge() async throws(Failure) -> TrashOutcome {
        guard let trashID = record.trashID else { return .lost("its record is damaged") }
        switch try await hub.look(record.kind, trashID, context) {
        case .absent: return .purged
        // To delete by this name could delete a repository that was restored.
        case .elsewhere: return .lost("it was given another name")
        case .there: break
        }
        do throws(Failure) {
            try await hub.send(RepoDeletion(kind: record.kind, id: trashID), context)
        } catch {
            guard case .hubAnswered(let refusal) = error.kind, refusal.status == .notFound else { throw error }
        }
        return .purged
    }

    func restore() async throws(Failure) -> TrashOutcome {
        guard let trashID = record.trashID else { return .lost("its record is damaged") }
        if case .there = try await hub.look(record.kind, trashID, context) {
            do throws(Failure) {
                try await hub.send(RepoMove(kind: record.kind, from: trashID, to: record.target), context)
            } catch {
                guard error.effect == .final else { throw error }
                return .refused(error.detail)
            }
        } else {
            guard case .there(let facts) = try await hub.look(record.kind, record.target, context), isSame(facts) else {
                return .lost("it is neither there nor at \(record.target.text)")
            }
        }
        return .restored(note: try await publishAgain())
    }

    /// Why it stays private though it was public; nil where it is as before. The Hub does not tell whether a space was public or
    /// protected, and a protected space shows its files to no one but its owner.
    private func publishAgain() async throws(Failure) -> String? {
        guard record.wasPrivate == false else { return nil }
        guard record.kind != .space else { return "it stays private: make the space public or protected yourself" }
        do throws(Failure) {
            try await setPrivate(false, record.target)
            return nil
        } catch {
            guard error.effect == .final else { throw error }
            return "it stays private: \(error.detail)"
        }
    }

    private func setPrivate(_ isPrivate: Bool, _ id: RepoID) async throws(Failure) {
        try await hub.send(try RepoUpdate(kind: record.kind, id: id, isPrivate: isPrivate), context)
    }

    /// Whether it is the repository that was deleted, as far as the Hub tells.
    private func isSame(_ facts: RepoInspection.Facts) -> Bool {
        record.serial == nil || facts.serial == nil || record.serial == facts.serial
    }
}
