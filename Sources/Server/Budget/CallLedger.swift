import EventIO
import Hub

/// How many calls there may be.
struct CallLimits: Equatable, Sendable {
    /// Calls that work at once: they do not wait for their clients.
    var working: Int
    /// Calls that work or wait for their clients.
    var total: Int
    /// Calls that wait for a place.
    var waiting: Int

    /// Places above `working`, for shares that have few working calls: where one share has all places with long downloads, none may come free for minutes.
    var reserved: Int { working / 8 }
    /// A share with fewer working calls may have a reserved place.
    var few: Int { max(reserved / 8, 1) }
}

/// Which calls to other servers are under way and which wait, as a value: no clock, no callbacks.
///
/// A call works, or it waits for its client: for more of a request's body, or until a response is read. Those that wait leave their place to others,
/// and go on in any case, above the limit if need be. A free place goes to the share that has the fewest working calls, and
/// within it to the call that came first: no call waits while a place is free, and while a share with fewer calls waits, no share gets more
/// than a quarter of what the others leave. An eighth as many places more are for shares that have few working calls or none.
///
/// `next` is called after everything that may have made room, until it gives nil.
struct CallLedger {
    /// A call's place, from its request to its end. Later calls about the ticket are ignored.
    struct Ticket: Hashable, Sendable {
        let index: Int
        fileprivate let life: Int
    }

    enum Decision: Equatable {
        /// There is room: the call works.
        case begun(Ticket)
        /// It waits; where the queue was full, in the place of another one, which has to be told.
        case waits(Ticket, inPlaceOf: Ticket?)
        /// Too many wait.
        case refused
    }

    enum State { case free, working, waitingForClient, queued }

    private struct Slot {
        var state = State.free
        var share = CallShare(address: "")
        /// Counts the calls that have had this place.
        var life = 0
        /// Since when it waits for its client, in the caller's milliseconds.
        var since = 0
        /// Its neighbours among those that wait for their clients; -1: none.
        var before = -1
        var after = -1
    }

    var limits: CallLimits
    private(set) var working = 0
    private(set) var waitingForClients = 0
    /// Calls that began above the limit, and whose places have not come free since. A call that goes on above the limit is not counted.
    private var reserveTaken = 0
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var firstStalled = -1
    private var lastStalled = -1
    /// Kept only while calls are scarce: otherwise calls need not be counted by share.
    private var queue: CallQueue?

    init(limits: CallLimits) {
        self.limits = limits
    }

    var queued: Int { queue?.count ?? 0 }
    /// Whether the call begins at once.
    var hasRoomForAll: Bool { queued == 0 && hasRoom }
    private var hasRoom: Bool { working < limits.working && working + waitingForClients < limits.total }
    private var hasReserve: Bool {
        hasRoom || (reserveTaken < limits.reserved && working + waitingForClients < limits.total)
    }

    /// Of a call that has ended: free.
    func state(of ticket: Ticket) -> State {
        slots[ticket.index].life == ticket.life ? slots[ticket.index].state : .free
    }

    /// Asks for a call.
    mutating func ask(for share: CallShare) -> Decision {
        hasRoomForAll ? begin(share) : wait(share)
    }

    private mutating func begin(_ share: CallShare) -> Decision {
        let ticket = take(.working, share)
        work(at: ticket.index)
        return .begun(ticket)
    }

    private mutating func work(at index: Int) {
        if !hasRoom { reserveTaken += 1 }
        working += 1
        queue?.began(slots[index].share)
    }

    private mutating func wait(_ share: CallShare) -> Decision {
        if queue == nil {
            queue = CallQueue()
            for slot in slots where slot.state == .working { queue?.began(slot.share) }
        }
        let few = limits.few
        if hasReserve, queue?.mayHaveReserve(share, below: few) == true { return begin(share) }
        var pushedOut: Ticket?
        if queued >= limits.waiting {
            pushedOut = queue?.pushOut(for: share)
            guard let pushedOut else { return .refused }
            give(back: pushedOut)
        }
        let ticket = take(.queued, share)
        queue?.add(ticket, share)
        return .waits(ticket, inPlaceOf: pushedOut)
    }

    /// The waiting call that begins now.
    mutating func next() -> Ticket? {
        let most = hasRoom ? Int.max : limits.few
        guard hasReserve, let ticket = queue?.next(below: most) else {
            // Not at once: the next call would have all of them counted again.
            if queued == 0, working < limits.working / 2 { queue = nil }
            return nil
        }
        slots[ticket.index].state = .working
        work(at: ticket.index)
        return ticket
    }

    /// A call that works or waits for its client has ended.
    mutating func end(_ ticket: Ticket) {
        switch state(of: ticket) {
        case .waitingForClient: leaveStalled(ticket.index)
        case .working: stopWorking(ticket.index)
        case .free, .queued: return
        }
        give(back: ticket)
    }

    /// Removes a waiting call from the queue.
    mutating func withdraw(_ ticket: Ticket) {
        guard state(of: ticket) == .queued else { return }
        queue?.remove(ticket, slots[ticket.index].share)
        give(back: ticket)
    }

    /// The call can do nothing before its client does something.
    mutating func waitsForClient(_ ticket: Ticket, since now: Int) {
        guard state(of: ticket) == .working else { return }
        stopWorking(ticket.index)
        slots[ticket.index].state = .waitingForClient
        slots[ticket.index].since = now
        joinStalled(ticket.index)
    }

    /// Its client has done it.
    mutating func goesOn(_ ticket: Ticket) {
        guard state(of: ticket) == .waitingForClient else { return }
        leaveStalled(ticket.index)
        slots[ticket.index].state = .working
        working += 1
        queue?.began(slots[ticket.index].share)
    }

    /// Whether calls in all are at their limit, so that one has to end before another can begin.
    var isFull: Bool { working + waitingForClients >= limits.total }

    /// How many calls there are in all beyond so many as may work, the last one of those counted in.
    var excess: Int { working + waitingForClients - limits.working + 1 }
    /// Whether some call that waits for its client could make way for others.
    var isScarce: Bool { waitingForClients > 0 && excess > 0 }

    /// The call that began first to wait for its client, if that was at `moment` or earlier.
    func longestStalled(since moment: Int) -> Ticket? {
        guard firstStalled >= 0, slots[firstStalled].since <= moment else { return nil }
        return Ticket(index: firstStalled, life: slots[firstStalled].life)
    }

    private mutating func stopWorking(_ index: Int) {
        // The place of any call will do for one that began at the reserve.
        reserveTaken -= reserveTaken > 0 ? 1 : 0
        working -= 1
        queue?.ended(slots[index].share)
    }

    // MARK: places

    private mutating func take(_ state: State, _ share: CallShare) -> Ticket {
        let index: Int
        if let free = freeSlots.popLast() {
            index = free
        } else {
            index = slots.count
            slots.append(Slot())
        }
        slots[index].state = state
        slots[index].share = share
        slots[index].life += 1
        return Ticket(index: index, life: slots[index].life)
    }

    private mutating func give(back ticket: Ticket) {
        slots[ticket.index].state = .free
        freeSlots.append(ticket.index)
    }

    // MARK: the list of those that wait for their clients, in the order in which they began to

    private mutating func joinStalled(_ index: Int) {
        waitingForClients += 1
        slots[index].before = lastStalled
        slots[index].after = -1
        if lastStalled >= 0 { slots[lastStalled].after = index } else { firstStalled = index }
        lastStalled = index
    }

    private mutating func leaveStalled(_ index: Int) {
        waitingForClients -= 1
        let (before, after) = (slots[index].before, slots[index].after)
        if before >= 0 { slots[before].after = after } else { firstStalled = after }
        if after >= 0 { slots[after].before = before } else { lastStalled = before }
    }
}
