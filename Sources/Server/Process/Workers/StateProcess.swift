import EventIO
import Glibc
import HTTP
import Logging

/// The process that keeps the state: it writes the workers' records, many in one transaction, and tells workers of each change of a
/// key. It has no loop: its work is to wait for the disk.
final class StateProcess {
    let directory: StateDirectory
    let log: Logger
    private let epochs: WriteEpochs
    let slots: MetricSlots
    var users: [StateUser]
    private(set) var writer: StateWriter?
    /// Nil: there is no audit.
    let journal: AuditJournal?
    /// Why there is no writer.
    private var trouble = StateTrouble()
    private var bounds: LoginBounds
    private let usageDays: Int64
    /// The key of sessions at the console.
    private let sessionKey: Secret?
    private(set) var lastChange: Int64 = 0
    private var isStopping = false
    /// Warned once: a process that was taken over could fill the log.
    private var hasWarned = false
    var hasCut = false
    private var nextLook = MonotonicInstant.now
    /// Workers that have begun, by the numbers of their lines: records of their predecessors are written first.
    private var newcomers: [(worker: Int, sender: Int64)] = []
    private var nextRemoval = MonotonicInstant.now

    /// How often the database is checked for changes by other programs, and tried again where it cannot be used, in milliseconds.
    private static let look: UInt64 = 200
    private static let retry: UInt64 = 1000
    /// How often expired keys of logins are looked for, in milliseconds.
    private static let removal: UInt64 = 600_000
    private static let messagesATurn = 64

    init(
        _ directory: StateDirectory, lines: [PacketSocket], bounds: LoginBounds, log: Logger, slots: MetricSlots,
        epochs: WriteEpochs, journal: AuditJournal? = nil, usageDays: Int = 0, sessionKey: Secret? = nil
    ) {
        self.epochs = epochs
        self.bounds = bounds
        self.usageDays = Int64(usageDays)
        self.sessionKey = sessionKey
        self.directory = directory
        self.journal = journal
        self.log = log
        self.slots = slots
        users = lines.map { StateUser(socket: $0) }
    }

    /// Returns when the parent asks for it and all earlier records are on the disk.
    func run() -> Int32 {
        open()
        beginAudit()
        broadcast(.started)
        serve()
        while true {
            PacketSocket.wait(
                users.map(\.socket), writing: users.map(\.waits),
                milliseconds: Int(nextLook.milliseconds(since: .now)))
            carryOut(received())
            for (worker, sender) in newcomers { journal?.began(worker: worker, sender: sender) }
            newcomers = []
            if nextLook <= .now { checkDatabase() }
            serve()
            if isStopping {
                endAudit()
                return Exit.ok
            }
        }
    }

    private func open() {
        do throws(DatabaseError) {
            let writer = try StateWriter(directory)
            writer.bounds = bounds
            if trouble.isThere { try writer.tryWriting() }
            writer.usageDays = usageDays
            writer.sessionKey = sessionKey
            _ = try writer.othersHaveWritten()
            lastChange = try writer.lastChange()
            try count(writer)
            try writer.purges.carryOut(on: epochs)
            self.writer = writer
            slots[.stateUp] = 1
            if trouble.isThere {
                if trouble.end() { log.notice("The state can be used again.") }
                broadcast(.trouble(""))
                broadcast(.started)
            }
        } catch {
            fail(error)
        }
        nextLook = MonotonicInstant.now.advanced(milliseconds: writer == nil ? Self.retry : Self.look)
    }

    /// The database cannot be used for now. Logged once, not at each try.
    func fail(_ error: DatabaseError) {
        writer = nil
        slots[.stateUp] = 0
        nextLook = MonotonicInstant.now.advanced(milliseconds: Self.retry)
        guard trouble.reason != error.description else { return }
        let isToBeSaid = trouble.begin(error.description, at: .now)
        broadcast(.trouble(trouble.reason))
        guard isToBeSaid else { return }
        log.error("The state cannot be used: \(error). Keys that are known go on; no change of a key takes effect.")
    }

    private func broadcast(_ message: StateMessage) {
        for index in users.indices.dropFirst() { users[index].announce(message) }
    }

    // MARK: records

    private func received() -> [StateWriter.Entry] {
        var entries: [StateWriter.Entry] = []
        for index in users.indices where !users[index].isBehind {
            // At the end no worker sends any more.
            for _ in 0..<(isStopping ? Int.max : Self.messagesATurn) {
                guard let bytes = users[index].socket.receive() else { break }
                receive(bytes, from: index, &entries)
            }
        }
        return entries
    }

    private func receive(_ bytes: [UInt8], from index: Int, _ entries: inout [StateWriter.Entry]) {
        switch StateMessage(bytes) {
        case .hello(let sender) where index > 0:
            users[index].sender = sender
            newcomers.append((index, sender))
            (users[index].lastSentChange, users[index].isLoaded, users[index].owed) = (nil, false, [])
            if trouble.isThere { users[index].announce(.trouble(trouble.reason)) }
        case .append(let sender, let sequence, let record) where index > 0:
            // A worker that uses another sender's number is not believed.
            guard users[index].sender ?? sender == sender else { return }
            users[index].sender = sender
            entries.append(StateWriter.Entry(sender: sender, sequence: sequence, record: record, line: index))
        case .stop where index == 0:
            isStopping = true
        case .bounds(let bounds) where index == 0:
            self.bounds = bounds
            writer?.bounds = bounds
        case .spent(let debits) where index == 0:
            try? writer?.settle(debits)
        default:
            guard !hasWarned else { return }
            hasWarned = true
            log.warning("A process of this gateway sent the state process what it does not understand.")
        }
    }

    private func carryOut(_ entries: [StateWriter.Entry]) {
        guard !entries.isEmpty else { return }
        let audited = audit(entries)
        let (reason, stored) = store(entries.filter { $0.record.kind != .audit && $0.record.kind != .adminRead })
        // After the records: an administrator who has made a key finds it in the list.
        let answers = stored + answerReads(entries)
        for requestID in cancelled(entries, stored) { broadcast(.cancel(requestID: requestID)) }
        for line in Set(entries.map(\.line)) {
            let ends = entries.indices.filter { entries[$0].line == line }.map { index in
                RecordEnd(
                    sender: entries[index].sender, sequence: entries[index].sequence,
                    reason: entries[index].record.kind == .audit
                        ? audited[index] : entries[index].record.kind == .adminRead ? nil : reason)
            }
            users[line].owe(ends, answers.filter { $0.sender == users[line].sender })
        }
    }

    /// Why the records are lost, nil where they are on the disk; and the answers to those that ask something.
    private func store(_ entries: [StateWriter.Entry]) -> (reason: String?, answers: [StateWriter.Answer]) {
        guard !entries.isEmpty else { return (nil, []) }
        do throws(DatabaseError) {
            guard let writer else { throw DatabaseError(kind: .other, description: trouble.reason) }
            let answers = try writer.carryOut(
                entries, now: Int64(WallClock.microseconds / 1_000_000), present: Set(users.compactMap(\.sender)),
                live: liveSenders)
            // A change of a key may be this process's own.
            lastChange = try writer.lastChange()
            if entries.contains(where: { $0.record.kind == .trash }) {
                slots[.trashedRepos] = UInt64(try writer.trashedRepos())
            }
            moveEvents()
            return (nil, answers)
        } catch {
            let reason = error.description
            if writer != nil { fail(error) }
            return (reason, [])
        }
    }

    /// Nil until each worker has sent its number.
    private var liveSenders: Set<Int64>? {
        let senders = users.dropFirst().compactMap(\.sender)
        return senders.count == users.count - 1 ? Set(senders) : nil
    }

    // MARK: keys

    private func checkDatabase() {
        checkAudit()
        guard let writer else { return open() }
        nextLook = MonotonicInstant.now.advanced(milliseconds: Self.look)
        guard !writer.isReplaced(in: directory) else {
            log.notice("The state's file was replaced: it is read again.")
            self.writer = nil
            open()
            return broadcast(.started)
        }
        do throws(DatabaseError) {
            try removeExpiredLogins(writer)
            guard try writer.othersHaveWritten() else { return }
            lastChange = try writer.lastChange()
            try count(writer)
            try writer.purges.carryOut(on: epochs)
            moveEvents()
        } catch {
            fail(error)
        }
    }

    /// Keys that are removed from the database are forgotten by the workers when all keys are sent again.
    private func removeExpiredLogins(_ writer: StateWriter) throws(DatabaseError) {
        guard nextRemoval <= .now else { return }
        nextRemoval = MonotonicInstant.now.advanced(milliseconds: Self.removal)
        try writer.removeOldUsage(now: Int64(WallClock.microseconds / 1_000_000))
        guard try writer.removeExpiredLogins(now: Int64(WallClock.microseconds / 1_000_000)) else { return }
        try count(writer)
        for index in users.indices.dropFirst() { (users[index].lastSentChange, users[index].isLoaded) = (nil, false) }
    }

    private func count(_ writer: StateWriter) throws(DatabaseError) {
        slots[.keys] = UInt64(try writer.liveKeys())
        slots[.trashedRepos] = UInt64(try writer.trashedRepos())
        let shadow = UInt64(try writer.shadowKeys())
        if shadow > slots[.keysInShadow] {
            log.warning(
                "Keys whose rules refuse nothing (--policy shadow): \(shadow). They may do all that their token may.")
        }
        slots[.keysInShadow] = shadow
    }

    /// Sends each user what it has to know, as far as its line takes it. Keys go first, to all: a client that learns of its new key may use it
    /// at once, at any worker.
    private func serve() {
        for index in users.indices.dropFirst() {
            users[index].waits = false
            let sent = users[index].announcements.prefix { send($0, to: index) }.count
            users[index].announcements.removeFirst(sent)
            guard !users[index].waits else { continue }
            if let sender = users[index].sender { sendKeys(to: index, sender) }
        }
        for index in users.indices.dropFirst() where users[index].sender != nil && !users[index].waits {
            _ = sendOwed(to: index)
        }
    }

    /// Whether all of it was sent.
    private func sendOwed(to index: Int) -> Bool {
        let sent = users[index].owed.prefix { send($0, to: index) }.count
        users[index].owed.removeFirst(sent)
        return users[index].owed.isEmpty
    }

    /// False: the line is full. A message too long for a packet is dropped: it could never be sent.
    func send(_ message: StateMessage, to index: Int) -> Bool {
        users[index].waits = users[index].socket.send(message.bytes) == .full
        return !users[index].waits
    }
}
