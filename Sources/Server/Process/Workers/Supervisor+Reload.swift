import EventIO
import Glibc
import Logging

/// A reload that waits for the workers.
struct ReloadUnderWay {
    /// A worker that hangs does not keep the others from the next reload for longer, in milliseconds.
    private static let longest = 5_000

    let reload: Reload
    /// When its result is logged, in milliseconds by `MonotonicInstant`, even if not all workers have answered.
    let due = MonotonicInstant.now.milliseconds + longest
    /// How many workers found a fault that the parent did not.
    var refusals = 0
}

/// SIGHUP: the parent checks the new settings first; if they are valid each worker does the same for itself.
extension Supervisor {
    func startReload() {
        guard !isStopping else { return }
        guard reload == nil else {
            reloadsAgain = true
            return
        }
        if isUp { notify.reloading() }
        switch Reload.decide(settings, read()) {
        case .success(let found):
            settings = found.settings
            threshold.level = settings.logLevel.level
            tls = found.tls
            noteCertificate(tls)
            // Before its workers, which ask by the new settings.
            sendLoginBounds()
            reload = ReloadUnderWay(reload: found)
            for index in places.indices {
                places[index].owesReload = places[index].child != nil
                places[index].child?.send(SIGHUP)
            }
            finishReloadIfDone()
        case .failure(let refusal):
            log.error("\(refusal)")
            if isUp { notify.ready(status) }
        }
    }

    func answered(_ index: Int, didReload: Bool) {
        // The SIGHUP may have been sent to the worker itself.
        guard places[index].owesReload else { return }
        places[index].owesReload = false
        if !didReload { reload?.refusals += 1 }
        finishReloadIfDone()
    }

    /// Logs the result when all workers have answered or died, or when it has taken too long.
    func finishReloadIfDone() {
        let silent = places.count(where: \.owesReload)
        guard let done = reload, silent == 0 || done.due <= MonotonicInstant.now.milliseconds else { return }
        reload = nil
        log.notice("\(done.reload.summary)")
        if let warning = done.reload.restartWarning { log.warning("\(warning)") }
        if let warning = hardening.portWarning(settings) { log.warning("\(warning)") }
        if done.refusals > 0 {
            log.warning("\(done.refusals) of \(places.count) workers kept what they had; send SIGHUP again.")
        }
        if silent > 0 {
            log.warning("\(silent) of \(places.count) workers have not answered, and may have what they had.")
            for index in places.indices { places[index].owesReload = false }
        }
        if isUp { notify.ready(status) }
        if reloadsAgain {
            reloadsAgain = false
            startReload()
        }
    }

    /// Sets the one gauge of the whole gateway that changes with a reload.
    func noteCertificate(_ tls: TLSContext) {
        slots[.certificateExpiry] = UInt64(clamping: tls.expires * 1_000_000)
    }
}

/// The end of a gateway: its workers drain, then the parent ends.
extension Supervisor {
    /// The first call stops in order; the second at once.
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
        // The state process writes what the workers have sent before it ends: a successor does, too, since it finds their messages and this one.
        if let stateProcess, stateProcess.child != nil || stateProcess.due != nil {
            if stateProcess.child != nil { stateProcess.links.giveBack(quotas?.spent ?? []) }
            return stateProcess.links.stopStateProcess()
        }
        verdict = verdict ?? (hasFailed ? Exit.failure : Exit.ok)
    }

    /// Ends the remaining workers at once.
    func endChildren() {
        let others = [sandbox?.child, stateProcess?.child].compactMap(\.self)
        for child in places.compactMap(\.child) + others { child.send(SIGKILL) }
    }
}
