internal import Glibc
internal import Logging

/// The end of a gateway: its workers drain, then the parent goes.
extension Supervisor {
    /// The first time in order; the second time at once.
    func stop() {
        guard !isStopping else {
            verdict = Exit.failure
            return
        }
        isStopping = true
        log.notice("\(Service.stopping)")
        notify.stopping("Stopping, requests in flight: \(slots.sum(of: .requestsInFlight))")
        for index in places.indices {
            places[index].due = nil
            places[index].child?.send(SIGTERM)
        }
        finishIfEmpty()
    }

    func finishIfEmpty() {
        guard isStopping, places.allSatisfy({ $0.child == nil }) else { return }
        verdict = verdict ?? (hasFailed ? Exit.failure : Exit.ok)
    }

    /// Whoever is left goes at once.
    func endChildren() {
        for child in places.compactMap(\.child) + (sandbox.map { [$0.child] } ?? []) { child.send(SIGKILL) }
    }
}
