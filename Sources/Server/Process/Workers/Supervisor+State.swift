import EventIO
import Logging

/// The parent's record of the state process.
struct StateProcessSlot {
    let links: StateLinks
    let directory: StateDirectory
    /// Nil: there is none.
    let audit: AuditJournal.Options?
    /// Names this start of the gateway in the audit.
    let run = String(decoding: Hex.text((0..<4).map { _ in UInt8.random(in: 0...255) }), as: UTF8.self)
    var child: ChildProcess?
    var began = MonotonicInstant.now
    var delay = RestartDelay()
    /// When it is started, in milliseconds by `MonotonicInstant`; nil: it runs, or must not be started.
    var due: Int?
    /// A state process has run before.
    var hasRun = false

    /// Opens the database as the user who will own it. Throws what is wrong with it.
    init(_ settings: Settings, workers: Int, log: Logger) throws(CError) {
        links = try StateLinks(workers: workers)
        directory = StateDirectory(settings.stateDirectory)
        do throws(DatabaseError) {
            let database = try directory.open()
            if try KeyTable(database: database).liveCount() == 0 {
                log.warning(
                    "There are no keys, so every request is refused: make one with `hubgate keys create NAME --allow RULE`."
                )
            }
        } catch {
            throw CError("state_dir: \(error)")
        }
        // Made while the process still may, and read by the state process alone.
        SigningKeyFile(in: directory, name: SigningKeyFile.sessionKeyName).make()
        audit = AuditJournal.Options(settings)
        do throws(AuditError) {
            // Made while the process still may.
            try audit?.directory.make()
        } catch {
            throw CError("audit_dir: \(error)")
        }
    }
}

/// The state process: started before the workers, ended after them, and started again if it dies.
extension Supervisor {
    /// Starts it when it is time; returns in the child only.
    func startStateProcess() -> Outcome? {
        guard let due = stateProcess?.due, due <= MonotonicInstant.now.milliseconds else { return nil }
        do throws(CError) {
            switch try ChildProcess.fork() {
            case .parent(let child):
                if stateProcess?.hasRun == true { slots[.stateRestarts] += 1 }
                stateProcess?.child = child
                stateProcess?.began = .now
                stateProcess?.due = nil
                stateProcess?.hasRun = true
            case .child: return asStateProcess()
            }
        } catch {
            log.error("The state process: \(error).")
            // At the end there is no retry: a machine without room for a process may have none for long.
            stateProcess?.due = isStopping ? nil : MonotonicInstant.now.milliseconds + 1000
            failStart(Exit.unavailable)
            finishIfEmpty()
        }
        return nil
    }

    private func asStateProcess() -> Outcome? {
        guard let stateProcess else { return nil }
        let process = StateProcess(
            stateProcess.directory, lines: stateProcess.links.takeStateEnds(), bounds: LoginBounds(settings), log: log,
            slots: slots, epochs: epochs,
            journal: stateProcess.audit.map { AuditJournal($0, run: stateProcess.run, log: log) },
            usageDays: settings.usageDays, sessionKey: SigningKeyFile.sessionKey(in: stateProcess.directory))
        // The state process has no use for a token, and must have none.
        var own = Settings()
        (own.sandboxing, own.stateDirectory) = (settings.sandboxing, settings.stateDirectory)
        own.auditDirectory = settings.auditDirectory
        (settings, reload) = (Settings(), nil)
        SigningKeyFile.keep(nil)
        return .state(process, OneShotSettings(own))
    }

    /// A state process that hangs may not take them at once: they are sent again, and until then it makes keys by the old ones.
    func sendLoginBounds() {
        guard let links = stateProcess?.links else { return }
        let wasOwing = links.isOwing
        links.send(LoginBounds(settings))
        guard links.isOwing, !wasOwing else { return }
        log.warning(
            "The state process does not read: it takes up the new settings of logins when it does. Until then a login by a new rule gets 503."
        )
    }

    /// How soon messages that the state process did not take are sent again, in milliseconds; nil: there are none.
    var untilStateIsSent: Int? { stateProcess?.links.isOwing == true ? 50 : nil }

    func noteStateProcess(_ end: ChildProcess.End) {
        guard var slot = stateProcess else { return }
        slot.child = nil
        slots[.stateUp] = 0
        slots[.auditUp] = 0
        if isStopping, end.code == Exit.ok {
            stateProcess = slot
            finishIfEmpty()
            return
        }
        let wait = slot.delay.next(lived: MonotonicInstant.now.milliseconds - slot.began.milliseconds)
        // At the end, a state process that dies each time is given up, with the records that it cannot write.
        let isGivenUp = isStopping && wait > 1000
        slot.due = isGivenUp ? nil : MonotonicInstant.now.milliseconds + wait
        stateProcess = slot
        guard !isGivenUp else {
            hasFailed = true
            log.error("The state process (pid \(end.pid)) \(end.text) while it stopped; what was not written is lost.")
            return finishIfEmpty()
        }
        let next = wait == 0 ? "at once" : "in \(wait) ms"
        log.error(
            "The state process (pid \(end.pid)) \(end.text). Another starts \(next); until then no change is written.")
        // It may have read the message to stop, which its successor needs.
        finishIfEmpty()
    }
}

extension AuditJournal.Options {
    /// Nil: there is no audit.
    init?(_ settings: Settings) {
        guard !settings.auditDirectory.isEmpty else { return nil }
        self.init(
            directory: AuditDirectory(path: settings.auditDirectory), rotateBytes: settings.auditRotateSize.bytes,
            keepDays: settings.auditKeep)
    }
}
