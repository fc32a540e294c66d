@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Whose turn it is to call the Hub")
struct CallLedgerTests {
    private static func share(_ name: String) -> CallShare { CallShare(address: name) }

    private static func ledger(_ working: Int, total: Int = 1000, waiting: Int = 1000) -> CallLedger {
        CallLedger(limits: CallLimits(working: working, total: total, waiting: waiting))
    }

    @Test("While there is room a call begins, and one above the limit waits until another ends")
    func roomThenWait() throws {
        var ledger = Self.ledger(2)
        let first = try #require(ledger.ask(for: Self.share("a")).begun)
        _ = try #require(ledger.ask(for: Self.share("a")).begun)
        let third = try #require(ledger.ask(for: Self.share("a")).waiting)
        #expect(ledger.next() == nil)
        ledger.end(first)
        #expect(ledger.next() == third)
        #expect(ledger.next() == nil)
        #expect((ledger.working, ledger.queued) == (2, 0))
    }

    @Test("A share that has all places waits behind one that has none, however long its queue")
    func newcomerFirst() throws {
        var ledger = Self.ledger(4)
        let running = (0..<4).compactMap { _ in ledger.ask(for: Self.share("greedy")).begun }
        for _ in 0..<20 { _ = ledger.ask(for: Self.share("greedy")) }
        let newcomer = try #require(ledger.ask(for: Self.share("modest")).waiting)
        ledger.end(running[0])
        #expect(ledger.next() == newcomer)
    }

    @Test("A share with no working call begins above the limit, and waits when the reserve is taken")
    func reserve() throws {
        var ledger = Self.ledger(16)
        let greedy = (0..<16).compactMap { _ in ledger.ask(for: Self.share("greedy")).begun }
        #expect(greedy.count == 16 && ledger.ask(for: Self.share("greedy")).begun == nil)
        let first = try #require(ledger.ask(for: Self.share("a")).begun)
        let second = try #require(ledger.ask(for: Self.share("a")).waiting)
        #expect(ledger.ask(for: Self.share("b")).begun != nil)
        let late = try #require(ledger.ask(for: Self.share("c")).waiting)
        #expect(ledger.next() == nil)
        ledger.end(first)
        #expect(ledger.next() == second)
        #expect(ledger.next() == nil)
        for ticket in greedy.prefix(2) { ledger.end(ticket) }
        #expect(ledger.next() == late)
    }

    @Test("Calls that go on above the limit take nothing of the reserve")
    func reserveBesideThoseThatGoOn() {
        var ledger = Self.ledger(16)
        let first = (0..<16).compactMap { _ in ledger.ask(for: Self.share("greedy")).begun }
        for call in first { ledger.waitsForClient(call, since: 0) }
        let second = (0..<16).compactMap { _ in ledger.ask(for: Self.share("greedy")).begun }
        for call in first { ledger.goesOn(call) }
        #expect(ledger.working == 32 && second.count == 16)
        let modest = ["a", "b", "c"].map { ledger.ask(for: Self.share($0)).begun }
        #expect(modest.map { $0 != nil } == [true, true, false])
        for call in first + second + modest.compactMap(\.self) { ledger.end(call) }
        while let call = ledger.next() { ledger.end(call) }
        #expect(ledger.working == 0 && ledger.ask(for: Self.share("d")).begun != nil)
    }

    @Test("A key is one share, wherever its clients are, and other keys at the same address are others")
    func keys() {
        let shares = [
            CallShare(address: "192.0.2.1", key: 1), CallShare(address: "192.0.2.1", key: 2),
            CallShare(address: "192.0.2.1"),
            CallShare(address: "2001:db8::1"), CallShare(address: "192.0.2.2"),
        ]
        #expect(Set(shares).count == 5)
        #expect(CallShare(address: "192.0.2.9", key: 1) == shares[0] && CallShare(address: "2001:db8::9") == shares[3])
    }

    @Test("Alone, a share gets every place")
    func alone() {
        var ledger = Self.ledger(256)
        #expect((0..<256).allSatisfy { _ in ledger.ask(for: Self.share("only")).begun != nil })
    }

    @Test("Who waits for its client leaves its place, and goes on above the limit")
    func waitingForClients() throws {
        var ledger = Self.ledger(1, total: 2)
        let slow = try #require(ledger.ask(for: Self.share("slow")).begun)
        ledger.waitsForClient(slow, since: 5)
        _ = try #require(ledger.ask(for: Self.share("b")).begun)
        #expect(ledger.isFull)
        ledger.goesOn(slow)
        #expect(ledger.working == 2)
        #expect(ledger.ask(for: Self.share("c")).waiting != nil)
    }

    @Test("The call that began first to wait for its client is the one that makes way")
    func longestStalled() throws {
        var ledger = Self.ledger(10)
        let calls = (0..<3).compactMap { _ in ledger.ask(for: Self.share("a")).begun }
        for (call, moment) in zip(calls, [10, 20, 30]) { ledger.waitsForClient(call, since: moment) }
        #expect(ledger.longestStalled(since: 9) == nil)
        #expect(ledger.longestStalled(since: 100) == calls[0])
        ledger.goesOn(calls[0])
        #expect(ledger.longestStalled(since: 100) == calls[1])
        ledger.end(calls[1])
        #expect(ledger.longestStalled(since: 100) == calls[2])
    }

    @Test("A full queue refuses the share that fills it, and makes room for another by its last one")
    func pushOut() throws {
        var ledger = Self.ledger(1, waiting: 3)
        _ = ledger.ask(for: Self.share("greedy"))
        let waiting = (0..<3).compactMap { _ in ledger.ask(for: Self.share("greedy")).waiting }
        #expect(ledger.ask(for: Self.share("greedy")) == .refused)
        guard case .waits(_, let pushedOut) = ledger.ask(for: Self.share("modest")) else {
            Issue.record("it does not wait")
            return
        }
        #expect(pushedOut == waiting.last)
        #expect(ledger.queued == 3)
    }

    @Test("What is said of a call after its end changes nothing")
    func stale() throws {
        var ledger = Self.ledger(1)
        let first = try #require(ledger.ask(for: Self.share("a")).begun)
        ledger.end(first)
        let second = try #require(ledger.ask(for: Self.share("b")).begun)
        ledger.end(first)
        ledger.waitsForClient(first, since: 1)
        ledger.withdraw(first)
        #expect(ledger.state(of: second) == .working)
        #expect(ledger.working == 1)
    }

    @Test("A host's addresses in one IPv6 network are one share, those of IPv4 each their own")
    func networks() {
        #expect(Self.share("2001:db8::1") == Self.share("2001:db8::ffff:1"))
        #expect(Self.share("2001:db8::1") != Self.share("2001:db8:0:1::1"))
        #expect(Self.share("::ffff:192.0.2.1") == Self.share("192.0.2.1"))
        #expect(Self.share("192.0.2.1") != Self.share("192.0.2.2"))
    }

    @Test(
        "Over random sequences no place is free while somebody waits, the least served is next, and all is given back",
        arguments: 0..<200)
    func random(seed: Int) throws {
        var random = SmallRandom(seed: UInt64(seed))
        let limits = CallLimits(
            working: random.number(1...8), total: random.number(8...20), waiting: random.number(1...30))
        var ledger = CallLedger(limits: limits)
        var model = Model()
        for step in 0..<400 {
            model.act(&ledger, &random, step: step)
            try model.settle(&ledger)
            #expect(ledger.queued == model.queued.count)
            #expect(ledger.queued <= limits.waiting)
            #expect((ledger.working, ledger.waitingForClients) == (model.working.count, model.stalled.count))
        }
        for ticket in model.queued { ledger.withdraw(ticket.ticket) }
        for call in model.working + model.stalled { ledger.end(call.ticket) }
        #expect(ledger.next() == nil)
        #expect((ledger.working, ledger.waitingForClients, ledger.queued) == (0, 0, 0))
    }

    @Test("Whoever waits gets a place after at most as many ends as there are shares before it", arguments: 0..<50)
    func noStarvation(seed: Int) throws {
        var random = SmallRandom(seed: UInt64(seed))
        var ledger = Self.ledger(4)
        var running = (0..<4).compactMap { _ in ledger.ask(for: Self.share("greedy")).begun }
        let patient = try #require(ledger.ask(for: Self.share("patient")).waiting)
        for number in 0..<50 {
            // Newcomers without end, and the greedy one asks again and again.
            _ = ledger.ask(for: Self.share("greedy"))
            _ = ledger.ask(for: Self.share("other \(number % 3)"))
            ledger.end(running.remove(at: random.number(0...(running.count - 1))))
            while let next = ledger.next() { running.append(next) }
            if running.contains(patient) { return #expect(number < 4) }
        }
        Issue.record("it never got one")
    }
}

/// What a ledger should say, by lists.
private struct Model {
    struct Call {
        let ticket: CallLedger.Ticket
        let share: String
    }

    var working: [Call] = []
    var stalled: [Call] = []
    var queued: [Call] = []

    mutating func act(_ ledger: inout CallLedger, _ random: inout SmallRandom, step: Int) {
        switch random.number(0...5) {
        case 0, 1, 2: ask(&ledger, share: "192.0.2.\(random.number(1...4))")
        case 3:
            guard let call = take(from: random.isEven ? \.working : \.stalled, &random) else { return }
            ledger.end(call.ticket)
        case 4:
            if let call = take(from: \.working, &random) {
                ledger.waitsForClient(call.ticket, since: step)
                stalled.append(call)
            } else if let call = take(from: \.queued, &random) {
                ledger.withdraw(call.ticket)
            }
        default:
            guard let call = take(from: \.stalled, &random) else { return }
            ledger.goesOn(call.ticket)
            working.append(call)
        }
    }

    private mutating func ask(_ ledger: inout CallLedger, share: String) {
        switch ledger.ask(for: CallShare(address: share)) {
        case .begun(let ticket):
            let least = queued.map { held(by: $0.share) }.min() ?? .max
            #expect(queued.isEmpty || held(by: share) < least, "somebody was passed by who has no more")
            working.append(Call(ticket: ticket, share: share))
        case .waits(let ticket, let other):
            if let other { queued.removeAll { $0.ticket == other } }
            queued.append(Call(ticket: ticket, share: share))
        case .refused: break
        }
    }

    private mutating func take(from list: WritableKeyPath<Model, [Call]>, _ random: inout SmallRandom) -> Call? {
        guard !self[keyPath: list].isEmpty else { return nil }
        return self[keyPath: list].remove(at: random.number(0...(self[keyPath: list].count - 1)))
    }

    /// Begins the calls that may begin, and checks which they are.
    mutating func settle(_ ledger: inout CallLedger) throws {
        while let ticket = ledger.next() {
            let place = try #require(queued.firstIndex { $0.ticket == ticket })
            let call = queued[place]
            let first = queued.firstIndex { $0.share == call.share }
            #expect(first == place, "not the first of its share")
            let least = queued.map { held(by: $0.share) }.min() ?? 0
            #expect(held(by: call.share) == least, "somebody who waits has less")
            queued.remove(at: place)
            working.append(call)
        }
        let hasRoom = working.count < ledger.limits.working && working.count + stalled.count < ledger.limits.total
        #expect(queued.isEmpty || !hasRoom, "a place is free while somebody waits")
    }

    private func held(by share: String) -> Int { working.count { $0.share == share } }
}

extension CallLedger.Decision {
    fileprivate var begun: CallLedger.Ticket? { if case .begun(let ticket) = self { ticket } else { nil } }
    fileprivate var waiting: CallLedger.Ticket? { if case .waits(let ticket, _) = self { ticket } else { nil } }
}

/// SplitMix64: the same numbers at each run.
private struct SmallRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return range.lowerBound + Int(mixed % UInt64(range.count))
    }

    var isEven: Bool { mutating get { number(0...1) == 0 } }
}
