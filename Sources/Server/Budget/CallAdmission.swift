import EventIO
import Hub

/// Decides when a call to another server may begin. Where there is room that takes two comparisons, and no closure, memory or task.
///
/// Where there is none the call waits, fairly by share (`CallLedger`), for at most `patience`. Before that, uploads are looked for whose
/// clients have sent nothing for a while: they leave their places, as calls do whose clients do not read.
@EventLoop
final class CallAdmission {
    /// An upload without a new byte for so long waits for its client.
    private static let silence = 100
    /// A call that has stood still for less is not ended to make room.
    private static let leastStall = 1000

    /// The longest wait in milliseconds, of calls that begin to wait from now on.
    private var patience: UInt64
    /// How long a call may wait for its client, in milliseconds, while there are as many calls in all as may work.
    private var stall: Int
    private(set) var ledger: CallLedger
    /// For each ticket: the request of the call, and when its client last sent a part of the body; 0: no body is awaited.
    private var owners: [Owner] = []
    private var queued: [CallLedger.Ticket: Waiter] = [:]
    /// In the order in which they end.
    private var deadlines: ArraySlice<Deadline> = []
    private lazy var timer = Timer { [weak self] in self?.look() }
    private var nextLook = 0
    private lazy var stallTimer = Timer { [weak self] in self?.endStalls() }
    private var watchesStalls = false

    private struct Owner {
        var ticket: CallLedger.Ticket?
        var context: RequestContext?
        var receivedAt = 0
    }

    private struct Waiter {
        let number: Int
        let context: RequestContext
        let then: @EventLoop @Sendable (Result<CallPlace, Failure>) -> Void
    }

    private struct Deadline {
        let ticket: CallLedger.Ticket
        let number: Int
        let due: MonotonicInstant
    }

    private var waits = 0
    private(set) var refusals = 0

    init(limits: CallLimits, patience: UInt64, stall: Int) {
        ledger = CallLedger(limits: limits)
        self.stall = stall
        self.patience = patience
    }

    func use(total: Int, patience: UInt64, stall: Int) {
        self.stall = stall
        ledger.limits.total = total
        self.patience = patience
        admit()
    }

    /// A place at once, or nil: then `wait` for one.
    func begin(_ context: RequestContext) -> CallPlace? {
        guard ledger.hasRoomForAll else { return nil }
        guard case .begun(let ticket) = ledger.ask(for: CallShare(context)) else { return nil }
        return place(ticket, context)
    }

    /// Gets a place where `begin` had none. Throws `tooBusy` after too long a wait or where too many wait, and `clientGone` when cancelled.
    func wait(_ context: RequestContext) async throws(Failure) -> CallPlace {
        let result = await withCheckedContinuation { continuation in
            wait(context) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Calls `then` later, outside of any callback of C: with a place, or with why there is none.
    func wait(_ context: RequestContext, then: @escaping @EventLoop @Sendable (Result<CallPlace, Failure>) -> Void) {
        guard !context.isCancelled else { return answer(then, .failure(.clientGone)) }
        makeRoom()
        switch ledger.ask(for: CallShare(context)) {
        case .begun(let ticket): answer(then, .success(place(ticket, context)))
        case .refused:
            refusals += 1
            answer(then, .failure(.tooManyWait))
        case .waits(let ticket, let other):
            if let other { turnAway(other) }
            enqueue(Waiter(number: waits, context: context, then: then), ticket)
        }
    }

    func end(_ ticket: CallLedger.Ticket) {
        guard ledger.state(of: ticket) != .free else { return }
        owners[ticket.index].context = nil
        ledger.end(ticket)
        if ledger.queued > 0 { admit() }
    }

    func waitsForClient(_ ticket: CallLedger.Ticket) {
        ledger.waitsForClient(ticket, since: MonotonicInstant.now.milliseconds)
        if ledger.queued > 0 { admit() }
        watchStalls()
    }

    func goesOn(_ ticket: CallLedger.Ticket) {
        ledger.goesOn(ticket)
    }

    func received(_ ticket: CallLedger.Ticket, isHeldBack: Bool) {
        guard ledger.state(of: ticket) != .free else { return }
        owners[ticket.index].receivedAt = isHeldBack ? 0 : MonotonicInstant.now.milliseconds
        ledger.goesOn(ticket)
    }

    func receivedAll(_ ticket: CallLedger.Ticket) {
        guard ledger.state(of: ticket) != .free else { return }
        owners[ticket.index].receivedAt = 0
        ledger.goesOn(ticket)
    }

    private func place(_ ticket: CallLedger.Ticket, _ context: RequestContext) -> CallPlace {
        while owners.count <= ticket.index { owners.append(Owner()) }
        owners[ticket.index] = Owner(ticket: ticket, context: context)
        return CallPlace(ticket, in: self)
    }

    private func answer(
        _ then: @escaping @EventLoop @Sendable (Result<CallPlace, Failure>) -> Void,
        _ result: Result<CallPlace, Failure>
    ) {
        EventLoop.post { then(result) }
    }
}

// MARK: the queue

extension CallAdmission {
    private func enqueue(_ waiter: Waiter, _ ticket: CallLedger.Ticket) {
        waits += 1
        queued[ticket] = waiter
        waiter.context.onCancel = { [weak self] in self?.withdraw(ticket, waiter.number, .clientGone) }
        let due = MonotonicInstant.now.advanced(milliseconds: patience)
        deadlines.append(Deadline(ticket: ticket, number: waiter.number, due: due))
        if queued.count == 1 { timer.start(milliseconds: UInt64(Self.silence)) }
    }

    /// Gives free places to waiting calls.
    private func admit() {
        while let ticket = ledger.next() {
            guard let waiter = queued.removeValue(forKey: ticket) else { continue }
            waiter.context.onCancel = nil
            answer(waiter.then, .success(place(ticket, waiter.context)))
        }
    }

    private func withdraw(_ ticket: CallLedger.Ticket, _ number: Int, _ failure: Failure) {
        guard let waiter = queued[ticket], waiter.number == number else { return }
        queued[ticket] = nil
        waiter.context.onCancel = nil
        ledger.withdraw(ticket)
        answer(waiter.then, .failure(failure))
    }

    /// The ledger has given its ticket away already.
    private func turnAway(_ ticket: CallLedger.Ticket) {
        guard let waiter = queued.removeValue(forKey: ticket) else { return }
        waiter.context.onCancel = nil
        refusals += 1
        answer(waiter.then, .failure(.tooManyWait))
    }

    /// Repeats itself while a call waits.
    private func look() {
        makeRoom()
        let now = MonotonicInstant.now
        while let first = deadlines.first {
            let waits = queued[first.ticket]?.number == first.number
            guard first.due <= now || !waits else { break }
            deadlines.removeFirst()
            guard waits else { continue }
            refusals += 1
            withdraw(first.ticket, first.number, .waitedTooLong)
        }
        if !queued.isEmpty { timer.start(milliseconds: UInt64(Self.silence)) }
    }
}

// MARK: room

extension CallAdmission {
    /// Looks for calls that do not need their places, and where calls in all are at their limit ends the one that has stood still for longest.
    private func makeRoom() {
        let now = MonotonicInstant.now.milliseconds
        guard now >= nextLook else { return }
        nextLook = now + Self.silence / 2
        for owner in owners where owner.receivedAt > 0 && now - owner.receivedAt >= Self.silence {
            if let ticket = owner.ticket { ledger.waitsForClient(ticket, since: owner.receivedAt) }
        }
        if ledger.isFull, let stalled = ledger.longestStalled(since: now - Self.leastStall) {
            owners[stalled.index].context?.makeWay()
        }
        admit()
    }
}

// MARK: stalls

extension CallAdmission {
    /// Looks again and again while calls are scarce and some of them stand still.
    private func watchStalls() {
        guard !watchesStalls, ledger.isScarce else { return }
        watchesStalls = true
        stallTimer.start(milliseconds: UInt64(max(stall / 16, 10)))
    }

    private func endStalls() {
        watchesStalls = false
        var left = ledger.excess
        let moment = MonotonicInstant.now.milliseconds - stall
        while left > 0, let stalled = ledger.longestStalled(since: moment), let context = owners[stalled.index].context
        {
            left -= 1
            // It leaves the list here, its call ends in a later turn.
            ledger.goesOn(stalled)
            context.makeWay()
        }
        watchStalls()
    }
}

extension Failure {
    fileprivate static var tooManyWait: Failure {
        .tooBusy("room for another request to wait for a connection to the Hub")
    }
    fileprivate static var waitedTooLong: Failure { .tooBusy("connections to the Hub") }
}
