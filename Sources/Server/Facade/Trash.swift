import EventIO
import HTTP
import Hub

/// Where deleted repositories wait for `delete_grace`: at the Hub, private, under names that are the gateway's own. The state has the record of
/// each.
@EventLoop
final class Trash {
    /// Zero: repositories are deleted for good. Those in the trash stay there until their time is over all the same.
    private(set) var grace: Duration
    private let state: StateClient
    private let metrics: Metrics
    private let epochs: WriteEpochs
    let drainState: DrainState

    private static let attempts = 3

    init(_ settings: Settings, state: StateClient, metrics: Metrics, epochs: WriteEpochs, drainState: DrainState) {
        grace = settings.deleteGrace
        self.state = state
        self.metrics = metrics
        self.epochs = epochs
        self.drainState = drainState
    }

    func use(_ settings: Settings) { grace = settings.deleteGrace }

    /// Whether deleted repositories go to the trash.
    var isOn: Bool { grace > .zero }
    /// Whether the trash holds a repository, or may.
    var isInUse: Bool { isOn || metrics.ofGateway(.trashedRepos) > 0 }

    /// Nil where the state cannot read or write, or its answer is lost.
    func ask(_ request: TrashRequest) async -> TrashAnswer? {
        for _ in 0..<Self.attempts {
            let result = await withCheckedContinuation { continuation in
                state.ask(request.record) { continuation.resume(returning: $0) }
            }
            if case .success(let bytes) = result { return TrashAnswer(bytes) }
        }
        return nil
    }

    /// Records that a repository is about to be moved. Throws why it may not be.
    func begin(_ record: TrashRecord) async throws(Failure) {
        switch await ask(.begin(record)) {
        case .done: break
        case .underWay: throw .deleteUnderWay(record.id)
        case .full: throw .trashFull
        case .work, nil:
            // The record may have been written after all.
            await settle(record, .notMoved, by: "")
            throw .trashUnavailable
        }
    }

    /// Records the outcome. Where that cannot be written the keeper looks at the Hub later.
    func settle(_ record: TrashRecord, _ outcome: TrashOutcome, by: String) async {
        _ = await ask(.settle(trashName: record.trashName, outcome, by: by))
    }

    /// No response about these repositories that was fetched before is given out any more.
    func changed(_ kind: RepoKind, _ names: RepoID?...) {
        for case let id? in names { epochs.changed(HubResource(kind: ResourceKind(kind), ownedBy: id)) }
    }

    func countFailure() { metrics.add(.trashFailures) }

    /// Throws the Hub's 404 where one of `needs` is of a repository in the trash: it counts as deleted. It may be deleted once more. No caller may
    /// give a repository a name of that form.
    func check(_ needs: [HubNeed]) throws(Failure) {
        guard isInUse else { return }
        for need in needs where TrashName.isReserved(need.resource) {
            switch need.action {
            case .delete: continue
            case .create: throw .reservedName
            case .move where needs.first?.resource != need.resource: throw .reservedName
            default: throw .repositoryGone
            }
        }
    }
}

extension HubClient {
    /// What the Hub has at a name now.
    enum Found: Sendable {
        case there(RepoInspection.Facts)
        /// It is a former name.
        case elsewhere
        case absent
    }

    func look(_ kind: RepoKind, _ id: RepoID, _ context: RequestContext) async throws(Failure) -> Found {
        do throws(Failure) {
            return .there(try await send(RepoInspection(kind: kind, id: id), context))
        } catch {
            guard case .hubAnswered(let refusal) = error.kind else { throw error }
            switch refusal.status.code {
            case 404: return .absent
            case 300..<400: return .elsewhere
            default: throw error
            }
        }
    }
}

extension Failure {
    fileprivate static var reservedName: Failure {
        Failure(
            .denied,
            detail:
                "Names that begin with \(TrashName.prefix) are this gateway's own (delete_grace). Choose another name.")
    }

    fileprivate static func deleteUnderWay(_ id: RepoID) -> Failure {
        Failure(
            .declined(.deleteUnderWay),
            detail:
                "Another request is deleting \(id.text), or broke off while it did and the gateway is looking what came of it. Nothing was done. Look in a few seconds whether the repository is gone.",
            retryAfter: 10)
    }

    fileprivate static var trashFull: Failure {
        .tooBusy("room for deleted repositories (`hubgate trash purge` makes some)", retryAfter: 3600)
    }

    fileprivate static var trashUnavailable: Failure {
        Failure(
            .declined(.stateUnavailable),
            detail:
                "The gateway's state cannot be written, so what is deleted could not be restored (delete_grace). Nothing was done. Try again.",
            retryAfter: 2)
    }
}
