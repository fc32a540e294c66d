import EventIO
import Glibc
import HTTP
import Logging

/// The process that keeps the state: it writes what workers send, many records in one transaction, and tells them of each change of a
/// key. It has no loop: to wait for the disk is its work.
final class StateProcess {
    let directory: StateDirectory
    private let log: Logger
    let slots: MetricSlots
    private var users: [StateUser]
    private(set) var writer: StateWriter?
    /// Nil: there is no audit.
    let journal: AuditJournal?
    /// Why there is no writer; empty while there is one.
    private var trouble = ""
    private var bounds: LoginBounds
    /// Of sessions at the console.
    private let sessionKey: Secret?
    private var lastChange: Int64 = 0
    private var isStopping = false
    /// Said once: a process that was taken over could fill the log.
    private var hasWarned = false
    private var hasCut = false
    private var nextLook = MonotonicInstant.now
    /// Workers that have begun, by the number of their line: what came of the one before is written first.
    private var newcomers: [(worker: Int, sender: Int64)] = []
    private var nextRemoval = MonotonicInstant.now

    /// How often the database is looked at for changes by others, and tried again where it cannot be used, in milliseconds.
    private static let look: UInt64 = 200
    private static let retry: UInt64 = 1000
    /// How often keys of logins that are long over are looked for, in milliseconds.
    private static let removal: UInt64 = 600_000
    private static let keysAMessage = 100
    private static let messagesATurn = 64

    init(
        _ directory: StateDirectory, lines: [PacketSocket], bounds: LoginBounds, log: Logger, slots: MetricSlots,
        journal: AuditJournal? = nil, sessionKey: Secret? = nil
    ) {
        self.bounds = bounds
        self.sessionKey = sessionKey
        self.directory = directory
        self.journal = journal
        self.log = log
        self.slots = slots
        users = lines.map { StateUser(socket: $0) }
    }

    /// Returns when the parent says so and all that came before is on the disk.
    func run() -> Int32 {
        open()
        beginAudit()
        tell(.started)
        while true {
            PacketSocket.wait(
                users.map(\.socket), writing: users.map(\.waits),
                milliseconds: Int(nextLook.milliseconds(since: .now)))
            carryOut(received())
            for (worker, sender) in newcomers { journal?.began(worker: worker, sender: sender) }
            newcomers = []
            if nextLook <= .now { lookAround() }
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
            writer.sessionKey = sessionKey
            _ = try writer.othersHaveWritten()
            lastChange = try writer.lastChange()
            try count(writer)
            self.writer = writer
            slots[.stateUp] = 1
            if !trouble.isEmpty {
                log.notice("The state can be used again.")
                trouble = ""
                tell(.trouble(""))
                tell(.started)
            }
        } catch {
            fail(error)
        }
        nextLook = MonotonicInstant.now.advanced(milliseconds: writer == nil ? Self.retry : Self.look)
    }

    /// Nothing can be read or written for now. Said once, not each time that it is tried.
    private func fail(_ error: DatabaseError) {
        writer = nil
        slots[.stateUp] = 0
        nextLook = MonotonicInstant.now.advanced(milliseconds: Self.retry)
        guard trouble != error.description else { return }
        trouble = error.description
        log.error("The state cannot be used: \(trouble). Keys that are known go on; no change of a key takes effect.")
        tell(.trouble(trouble))
    }

    private func tell(_ message: StateMessage) {
        for index in users.indices.dropFirst() { _ = users[index].socket.send(message.bytes) }
    }

    // MARK: records

    private func received() -> [StateWriter.Entry] {
        var entries: [StateWriter.Entry] = []
        for index in users.indices where !users[index].isBehind {
            // At the end there is nobody who sends on.
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
            (users[index].told, users[index].isLoaded, users[index].owed) = (nil, false, [])
            if !trouble.isEmpty { _ = users[index].socket.send(StateMessage.trouble(trouble).bytes) }
        case .append(let sender, let sequence, let record) where index > 0:
            // Whoever speaks for another is not to be believed.
            guard users[index].sender ?? sender == sender else { return }
            users[index].sender = sender
            entries.append(StateWriter.Entry(sender: sender, sequence: sequence, record: record, line: index))
        case .stop where index == 0:
            isStopping = true
        case .bounds(let bounds) where index == 0:
            self.bounds = bounds
            writer?.bounds = bounds
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
        // After the rest: who has made a key finds it.
        let answers = stored + answerReads(entries)
        for requestID in cancelled(entries, stored) { tell(.cancel(requestID: requestID)) }
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

    /// Why they are lost, nil where they are on the disk; and what came of those that ask something.
    private func store(_ entries: [StateWriter.Entry]) -> (reason: String?, answers: [StateWriter.Answer]) {
        guard !entries.isEmpty else { return (nil, []) }
        do throws(DatabaseError) {
            guard let writer else { throw DatabaseError(kind: .other, description: trouble) }
            let answers = try writer.carryOut(
                entries, now: Int64(WallClock.microseconds / 1_000_000), present: Set(users.compactMap(\.sender)),
                live: liveSenders)
            // A key may be one of this process's own making.
            lastChange = try writer.lastChange()
            moveEvents()
            return (nil, answers)
        } catch {
            let reason = error.description
            if writer != nil { fail(error) }
            return (reason, [])
        }
    }

    /// Nil until each worker has said who it is.
    private var liveSenders: Set<Int64>? {
        let senders = users.dropFirst().compactMap(\.sender)
        return senders.count == users.count - 1 ? Set(senders) : nil
    }

    // MARK: keys

    private func lookAround() {
        lookAtAudit()
        guard let writer else { return open() }
        nextLook = MonotonicInstant.now.advanced(milliseconds: Self.look)
        guard !writer.isReplaced(in: directory) else {
            log.notice("The state's file was replaced: it is read anew.")
            self.writer = nil
            open()
            return tell(.started)
        }
        do throws(DatabaseError) {
            try removeExpiredLogins(writer)
            guard try writer.othersHaveWritten() else { return }
            lastChange = try writer.lastChange()
            try count(writer)
            moveEvents()
        } catch {
            fail(error)
        }
    }

    /// What is removed from the database is forgotten by those who know it when they get all keys anew.
    private func removeExpiredLogins(_ writer: StateWriter) throws(DatabaseError) {
        guard nextRemoval <= .now else { return }
        nextRemoval = MonotonicInstant.now.advanced(milliseconds: Self.removal)
        guard try writer.removeExpiredLogins(now: Int64(WallClock.microseconds / 1_000_000)) else { return }
        try count(writer)
        for index in users.indices.dropFirst() { (users[index].told, users[index].isLoaded) = (nil, false) }
    }

    private func count(_ writer: StateWriter) throws(DatabaseError) {
        slots[.keys] = UInt64(try writer.liveKeys())
        let shadow = UInt64(try writer.shadowKeys())
        if shadow > slots[.keysInShadow] {
            log.warning(
                "Keys whose rules refuse nothing (--policy shadow): \(shadow). They may do all that their token may.")
        }
        slots[.keysInShadow] = shadow
    }

    /// Sends each user what it has to know, as far as its line takes it. Keys go first, to all: who is told that a key was made may use it
    /// at once, at any worker.
    private func serve() {
        for index in users.indices.dropFirst() {
            users[index].waits = false
            if let sender = users[index].sender { sendKeys(to: index, sender) }
        }
        for index in users.indices.dropFirst() where users[index].sender != nil && !users[index].waits {
            _ = sendOwed(to: index)
        }
    }

    /// Whether all of it has gone out.
    private func sendOwed(to index: Int) -> Bool {
        let sent = users[index].owed.prefix { send($0, to: index) }.count
        users[index].owed.removeFirst(sent)
        return users[index].owed.isEmpty
    }

    private func sendKeys(to index: Int, _ sender: Int64) {
        do throws(DatabaseError) {
            while let writer, !users[index].isLoaded || users[index].told ?? 0 < lastChange {
                let told = users[index].told ?? 0
                let found = try writer.changedKeys(after: told, limit: Self.keysAMessage)
                let records = fitting(found)
                let isLast = found.count < Self.keysAMessage && records.count == found.count
                let message = StateMessage.keys(
                    sender: sender, isFirst: users[index].told == nil, isLast: isLast, records)
                guard send(message, to: index) else { return }
                users[index].told = isLast ? max(lastChange, records.last?.change ?? 0) : records.last?.change ?? told
                users[index].isLoaded = users[index].isLoaded || isLast
            }
        } catch {
            fail(error)
        }
    }

    /// The first of them that one message holds. A key that alone is longer goes as a revoked one: its rules are bounded where hubgate
    /// writes them, so somebody else has written it, and to leave it out would leave what workers knew of it before.
    private func fitting(_ records: [KeyRecord]) -> [KeyRecord] {
        var slice = records[...]
        while !StateMessage.fits(Array(slice)) {
            guard slice.count > 1 else { return slice.map(refused) }
            slice = slice.prefix(slice.count / 2)
        }
        return Array(slice)
    }

    private func refused(_ record: KeyRecord) -> KeyRecord {
        if !hasCut {
            hasCut = true
            log.warning(
                "Key number \(record.number) has more rules than a worker can be told: it is refused. Revoke it, and make one with fewer rules."
            )
        }
        return record.asRevoked
    }

    /// False: it has to wait. What no packet holds is dropped: a wait for it would have no end.
    private func send(_ message: StateMessage, to index: Int) -> Bool {
        users[index].waits = users[index].socket.send(message.bytes) == .full
        return !users[index].waits
    }
}
