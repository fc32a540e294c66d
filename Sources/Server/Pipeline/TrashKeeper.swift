import EventIO
import HTTP
import Hub

/// Takes care of repositories in the trash, in one of the workers: deletes those whose time is over, carries out the operator's orders, and looks
/// at the Hub where it is unknown whether one was moved.
///
/// Each step looks at the Hub first, so that it can be repeated after an interruption.
@EventLoop
final class TrashKeeper {
    /// Held, as work under way goes on for a moment when the gateway stops.
    private let pipeline: RequestPipeline
    private let trash: Trash
    /// Lines for the log.
    private let warn: (String) -> Void
    private lazy var timer = Timer { [weak self] in self?.look() }

    /// How often the state is asked, and how often it is checked whether it has to be, in milliseconds.
    private static let pause: UInt64 = 1000
    private static let idlePause: UInt64 = 5000

    init(_ pipeline: RequestPipeline, _ trash: Trash, warn: @escaping (String) -> Void) {
        self.pipeline = pipeline
        self.trash = trash
        self.warn = warn
        timer.start(milliseconds: Self.pause)
    }

    private func look() {
        guard trash.isInUse, !trash.drainState.isDraining else { return timer.start(milliseconds: Self.idlePause) }
        EventLoop.task { [weak self] in
            let isMore = await self?.work() ?? false
            self?.timer.start(milliseconds: isMore ? 1 : Self.pause)
        }
    }

    /// Whether there is more to be done at once.
    private func work() async -> Bool {
        guard case .work(let records)? = await trash.ask(.work) else { return false }
        for record in records {
            guard !trash.drainState.isDraining else { return false }
            let context = RequestContext(id: .next(), address: "")
            context.principal = pipeline.state.identification.principal(actingAs: record.credential)
            let outcome = await outcome(record, context)
            trash.changed(record.kind, record.id, record.trashID, record.restoreAs)
            // An error while the gateway stops means nothing.
            if case .failed = outcome, trash.drainState.isDraining { return false }
            await settle(record, outcome)
        }
        return records.count == TrashAnswer.mostWork
    }

    private func outcome(_ record: TrashRecord, _ context: RequestContext) async -> TrashOutcome {
        let act = TrashAct(hub: HubClient(upstream: pipeline.handlers.hub), record: record, context: context)
        do throws(Failure) {
            guard record.status == .kept else { return try await act.resolve() }
            return record.order == .restore ? try await act.restore() : try await act.purge()
        } catch {
            return .failed(error.detail)
        }
    }

    private func settle(_ record: TrashRecord, _ outcome: TrashOutcome) async {
        switch outcome {
        case .failed(let reason):
            trash.countFailure()
            warn(
                "\(record.resource), which was deleted, cannot be \(record.wish) at present: \(reason) It is tried again in \(TrashRecord.pause(after: record.attempts + 1)) s."
            )
        case .refused(let reason): warn("\(record.resource), which was deleted, was not restored: \(reason)")
        case .lost(let reason):
            warn("\(record.resource), which was deleted, is not in the trash any more: \(reason). It is forgotten.")
        case .undone:
            warn("A delete of \(record.resource) broke off before it was moved to the trash: it is there as it was.")
        default: break
        }
        await trash.settle(record, outcome, by: record.orderedBy ?? "delete_grace, since its time was over")
    }
}

extension TrashRecord {
    /// What was ordered for it.
    fileprivate var wish: String {
        switch (status, order) {
        case (.kept, .restore?): "restored"
        case (.kept, _): "deleted for good"
        default: "found"
        }
    }
}

extension Identification {
    /// The gateway itself, acting with that file of `credentials_dir`; nil: with its own token.
    fileprivate func principal(actingAs name: String?) -> Principal {
        guard let name else { return gateway }
        let partition = CachePartition.named(name, token: tokenNumber)
        return Principal(
            authority: .named(name, credentials[name]), partition: partition, account: partition, isAmbient: false)
    }
}
