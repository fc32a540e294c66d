import EventIO
import Glibc
import Logging

/// Workers that die, and workers that hang.
extension Supervisor {
    /// With a service manager's watchdog: a worker that sends nothing for so long, in milliseconds, is ended.
    private static let shortestSilence = 5_000

    func note(_ end: ChildProcess.End) {
        if let sandbox, end.pid == sandbox.child.pid {
            self.sandbox = nil
            hasFailed = true
            log.error("The sandbox's Hub (pid \(end.pid)) \(end.text): stopping.")
            if !isStopping { stop() }
            return
        }
        if let stateProcess, end.pid == stateProcess.child?.pid { return noteStateProcess(end) }
        guard let index = places.firstIndex(where: { $0.child?.pid == end.pid }) else { return }
        let number = places[index].number
        let wait = places[index].left()
        slots.clearGauges(ofWorker: number)
        quotas?.clear(worker: number)
        metadata?.claims.clear(worker: number)
        countWorkers()
        finishReloadIfDone()
        if isStopping {
            places[index].due = nil
            if end.code != Exit.ok {
                hasFailed = true
                log.error("Worker \(number) (pid \(end.pid)) \(end.text) while it stopped; its requests are lost.")
            }
            finishIfEmpty()
        } else if isUp {
            let loss = end.code == Exit.ok ? "" : "; its requests are lost"
            let next = wait == 0 ? "at once" : "in \(wait) ms"
            log.error("Worker \(number) (pid \(end.pid)) \(end.text)\(loss). Another starts \(next).")
        } else {
            log.error("Worker \(number) (pid \(end.pid)) \(end.text) before it served.")
            failStart(end.code ?? 0)
        }
    }

    /// If a part of the gateway never came up, the gateway does not start. Once it is up this does nothing: workers are started again then.
    func failStart(_ code: Int32) {
        guard !isUp else { return }
        verdict = code > 0 ? code : Exit.unavailable
    }

    /// How long there is nothing to do, in milliseconds; nil: until something happens.
    var untilDue: Int? {
        let feed = notify.watchdogMilliseconds == nil || !isUp ? nil : nextFeed
        let due = places.compactMap(\.due).min()
        let next = [feed, due, stateProcess?.due, reload?.due].compactMap(\.self).min().map {
            max(0, $0 - MonotonicInstant.now.milliseconds)
        }
        return [next, untilStateIsSent].compactMap(\.self).min()
    }

    /// The service manager's watchdog watches this process; this process watches its workers.
    func feedWatchdog() {
        guard isUp, let milliseconds = notify.watchdogMilliseconds, nextFeed <= MonotonicInstant.now.milliseconds else {
            return
        }
        notify.alive()
        nextFeed = MonotonicInstant.now.milliseconds + Int(clamping: milliseconds)
        let most = max(Self.shortestSilence, 2 * Int(clamping: milliseconds))
        for place in places {
            let silence = MonotonicInstant.now.milliseconds - place.heard.milliseconds
            guard let child = place.child, silence > most else { continue }
            log.error("Worker \(place.number) (pid \(child.pid)) has been stuck for \(silence) ms: it is ended.")
            child.send(SIGKILL)
        }
    }
}
