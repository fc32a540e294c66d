import EventIO
import HTTP
import Hub

/// Deletes repositories: for good or, with `delete_grace`, into the trash.
///
/// The record is on the disk before anything is done, and the repository is private before it is renamed. If that breaks off in between,
/// the record is left, and by it `TrashKeeper` looks at the Hub.
@EventLoop
struct RepoRemoval {
    let hub: HubClient
    let account: AccountCache
    /// Nil where there is no state to keep its records in.
    let trash: Trash?

    /// The response to a client that calls the Hub's own endpoint.
    func reply(to call: RepoDeletion, _ context: RequestContext) -> Reply {
        .pending { () async throws(Failure) in
            _ = try await remove(call, context)
            return Response(.ok, text: "OK\n")
        }
    }

    /// Nil: deleted for good. Goes on when the client leaves.
    func remove(_ call: RepoDeletion, _ context: RequestContext) async throws(Failure) -> TrashRecord? {
        guard let trash, trash.isInUse else {
            try await hub.send(call, context)
            return nil
        }
        let own = RequestContext(outliving: context)
        own.principal = context.principal
        own.audits(with: context)
        own.watchKey(of: context)
        let awaited = Awaited<Result<TrashRecord?, Failure>>()
        EventLoop.task {
            do throws(Failure) {
                awaited.settle(.success(try await remove(call, by: trash, own)))
            } catch {
                awaited.settle(.failure(error))
            }
        }
        defer {
            context.hubRequestID = own.hubRequestID
            context.upstreamMicroseconds = own.upstreamMicroseconds
        }
        guard let result = await awaited.value() else {
            // A gateway that stops waits for it all the same.
            trash.drainState.began()
            awaited.whenSettled { trash.drainState.ended() }
            throw .clientGone
        }
        return try result.get()
    }

    private func remove(
        _ call: RepoDeletion, by trash: Trash, _ context: RequestContext
    ) async throws(Failure) -> TrashRecord? {
        let asked = try await fullName(call, context)
        let facts: RepoInspection.Facts
        switch try await hub.look(call.kind, asked, context) {
        case .there(let found): facts = found
        // By a former name the Hub could delete a repository that is in the trash.
        case .elsewhere: throw .formerName(asked)
        case .absent: throw .repositoryGone
        }
        let id = facts.spelling(of: asked)
        guard trash.isOn, !TrashName.isReserved(id.name) else {
            try await hub.send(RepoDeletion(kind: call.kind, id: id), context)
            trash.changed(call.kind, id)
            await purged(id, by: trash, context)
            return nil
        }
        let record = TrashRecord(call.kind, id, facts, context, grace: trash.grace)
        try await trash.begin(record)
        try await move(record, by: trash, context)
        return record
    }

    private func purged(_ id: RepoID, by trash: Trash, _ context: RequestContext) async {
        guard TrashName.isReserved(id.name) else { return }
        _ = await trash.ask(
            .settle(
                trashName: id.name, .purged, by: "the key \(context.principal.key?.name ?? ""), by a second delete"))
    }

    /// The Hub takes a name without an owner, and the owner `me`, as one of the token's own; a move needs the owner.
    private func fullName(_ call: RepoDeletion, _ context: RequestContext) async throws(Failure) -> RepoID {
        let resource = HubResource(kind: ResourceKind(call.kind), ownedBy: call.id)
        guard resource.form == .ownRepo else { return call.id }
        let owner = try TokenRights(account: try await account.whoAmI(context)).name
        return try RepoID(namespace: owner, name: call.id.name)
    }

    private func move(_ record: TrashRecord, by trash: Trash, _ context: RequestContext) async throws(Failure) {
        guard let trashID = record.trashID else { throw .internalError("no name in the trash") }
        if record.wasPrivate != true {
            do throws(Failure) {
                try await hub.send(try RepoUpdate(kind: record.kind, id: record.id, isPrivate: true), context)
                context.ignoresKey()
            } catch {
                await trash.settle(record, error.effect == .unknown ? .unclear : .notMoved, by: "")
                throw error.effect == .unknown ? error : .notMadePrivate(error)
            }
        }
        do throws(Failure) {
            try await hub.send(RepoMove(kind: record.kind, from: record.id, to: trashID), context)
        } catch {
            let isUndone = error.effect != .unknown ? await publishAgain(record, context) : false
            await trash.settle(record, isUndone ? .notMoved : .unclear, by: "")
            trash.changed(record.kind, record.id)
            throw error
        }
        trash.changed(record.kind, record.id, trashID)
        context.audited?.moved(to: "\(record.kind.apiName):\(trashID.text)")
        // If it is not, the next look of the keeper finds that, and makes it private.
        await trash.settle(record, await isPrivate(trashID, record, context) ? .kept : .unclear, by: "")
    }

    /// Whether it is private there. A worker that has died may have begun to undo an earlier delete, and its call may have come to the Hub after ours.
    private func isPrivate(_ trashID: RepoID, _ record: TrashRecord, _ context: RequestContext) async -> Bool {
        guard case .there(let facts)? = try? await hub.look(record.kind, trashID, context) else { return false }
        return facts.isPrivate == true
    }

    /// Whether everything is as before. It is not known whether a space was public or protected, so it stays private.
    private func publishAgain(_ record: TrashRecord, _ context: RequestContext) async -> Bool {
        guard record.wasPrivate == false else { return record.wasPrivate == true }
        guard record.kind != .space else { return false }
        do throws(Failure) {
            try await hub.send(try RepoUpdate(kind: record.kind, id: record.id, isPrivate: false), context)
            return true
        } catch {
            return false
        }
    }
}

extension RepoInspection.Facts {
    /// The name as the Hub writes it, which may differ from the request's in case only; a repository of another name is not deleted.
    fileprivate func spelling(of asked: RepoID) -> RepoID {
        guard let id, id.namespace != nil,
            id.text.utf8.elementsEqual(
                asked.text.utf8,
                by: {
                    $0.asciiLowercased == $1.asciiLowercased
                })
        else { return asked }
        return id
    }
}

extension TrashRecord {
    /// The record of a repository that is about to be moved there.
    @EventLoop
    fileprivate init(
        _ kind: RepoKind, _ id: RepoID, _ facts: RepoInspection.Facts, _ context: RequestContext, grace: Duration
    ) {
        let now = Int64(WallClock.microseconds / 1_000_000)
        self.init(
            kind: kind, id: id, trashName: TrashName.make(), serial: facts.serial, wasPrivate: facts.isPrivate,
            credential: context.principal.key?.grant.grant.credential, deletedBy: context.principal.key?.name ?? "",
            requestID: context.id.description, deleted: now, expires: now + max(1, grace.components.seconds))
    }
}

extension Failure {
    /// By that name the Hub could take another repository than the caller means.
    fileprivate static func formerName(_ id: RepoID) -> Failure {
        .hubAnswered(
            HubRefusal(
                status: .notFound, code: "RepoNotFound",
                message: "\(id.text) is the former name of a repository. Delete it by the name that it has now."))
    }

    /// Nothing has changed.
    fileprivate static func notMadePrivate(_ failure: Failure) -> Failure {
        guard case .hubAnswered(let refusal) = failure.kind else { return failure }
        return .hubAnswered(
            HubRefusal(
                status: refusal.status, code: refusal.code,
                message:
                    "It was not deleted: with delete_grace it is made private first, and the Hub refused that (\(refusal.message))",
                headers: refusal.headers))
    }
}
