import EventIO
import HTTP
import Hub

/// Collects, for the state process, what keys in shadow mode do, and whether their rules would have refused it.
@EventLoop
final class ScopeObserver {
    private struct Act: Hashable {
        let publicID: Int64
        let observation: Observation
    }

    private struct Count {
        var uses: Int64 = 0
        var refused: Int64 = 0
        var lastUsed: Int64 = 0
    }

    private let client: StateClient
    private let metrics: Metrics
    private var counts: [Act: Count] = [:]
    private lazy var report = Timer { [weak self] in self?.sendUses() }
    private var isWaiting = false

    /// How often it is reported to the state process, in milliseconds, and how many different acts may wait for that.
    private static let reportMilliseconds: UInt64 = 2000
    private static let most = 2048

    init(_ client: StateClient, _ metrics: Metrics) {
        self.client = client
        self.metrics = metrics
    }

    /// One request, with all the rights that it takes.
    func note(_ needs: [HubNeed], by key: KeyIdentity, isRefused: Bool) {
        metrics.add(.shadowDecisions, at: isRefused ? 1 : 0)
        for need in needs {
            count(Act(publicID: key.publicID, observation: Observation(need)), isRefused)
        }
    }

    /// A request of which it is not known what it does: only a rule for everything allows it.
    func noteUnclear(by key: KeyIdentity) {
        metrics.add(.shadowDecisions, at: key.grant.scope.isUnlimited ? 0 : 1)
        let unclear = Observation(action: .other, pattern: Observation.inexpressible)
        count(Act(publicID: key.publicID, observation: unclear), !key.grant.scope.isUnlimited)
    }

    private func count(_ act: Act, _ isRefused: Bool) {
        var count = counts[act] ?? Count()
        count.uses += 1
        count.refused += isRefused ? 1 : 0
        count.lastUsed = Int64(WallClock.now.seconds)
        counts[act] = count
        if counts.count >= Self.most {
            sendUses()
        } else if !isWaiting {
            isWaiting = true
            report.start(milliseconds: Self.reportMilliseconds)
        }
    }

    /// Reports what came since the last report; also called at the end.
    func sendUses() {
        isWaiting = false
        var uses = counts.map { act, count in
            ObservedUses.Use(
                publicID: act.publicID, action: act.observation.action.name,
                resource: act.observation.pattern, uses: count.uses, refused: count.refused,
                lastUsed: count.lastUsed)
        }[...]
        counts = [:]
        while !uses.isEmpty { client.append(ObservedUses(first: &uses).record) }
    }
}
