@testable import EventIO
@testable import Hub
@testable import Server
import Testing

@Suite("Turns at the Hub's budget")
struct BudgetQueueTests {
    private static func share(_ place: Int, _ weight: Int = 1) -> BudgetShare {
        BudgetShare(place: place, weight: weight)
    }

    @Test(
        "Who always waits gets its part of each window within 5 %, by weight, and all of the budget is spent",
        arguments: [1, 2, 4], 1...4)
    func shares(workers: Int, seed: UInt64) {
        let weights = [1, 1, 2, 4]
        var simulation = BudgetSimulation(
            workers: workers, quota: 400, length: 4_000,
            weights.enumerated().map { .init(share: Self.share($0 + 1, $1), count: 40) }, seed: seed)
        simulation.run(milliseconds: 20_000)
        for (number, got) in simulation.got.enumerated() where number > 0 && number < 5 {
            let total = got.reduce(0, +)
            #expect(total >= 380, "window \(number): \(got)")
            for (group, weight) in weights.enumerated() {
                let fair = Double(total * weight) / 8
                #expect(abs(Double(got[group]) - fair) <= max(0.05 * fair, 3), "window \(number): \(got)")
            }
        }
        // By the Hub's whole seconds a window seems to end a little early at most.
        #expect(simulation.refusals <= 5, "\(simulation.refusals)")
        #expect(simulation.turnedAway == 0)
    }

    @Test(
        "With more demand than budget nobody starves, and the thriftiest does not wait for the greediest",
        arguments: 1...6)
    func thrift(seed: UInt64) {
        var random = SeededRandom(seed)
        let greedy = (0..<Int(2 + random.next() % 8)).map { place in
            BudgetSimulation.Callers(
                share: Self.share(place + 1), count: Int(10 + random.next() % 60), pause: Int(random.next() % 20))
        }
        let thrifty = BudgetSimulation.Callers(share: Self.share(99), count: 1, pause: 400)
        var simulation = BudgetSimulation(
            workers: Int(1 + random.next() % 3), quota: 300, length: 3_000, greedy + [thrifty], seed: seed)
        simulation.run(milliseconds: 15_000)
        for (number, got) in simulation.got.enumerated() where number > 0 && number < 5 {
            #expect(got.reduce(0, +) >= 285, "window \(number): \(got)")
            #expect(got.allSatisfy { $0 > 0 }, "window \(number): \(got)")
        }
        // But for the moment in which a window begins.
        #expect(simulation.longest.last ?? .max <= 250, "\(simulation.longest)")
        #expect(simulation.turnedAway == 0)
    }

    @Test("A burst that the budget has room for does not wait at all")
    func burst() {
        var simulation = BudgetSimulation(
            workers: 2, quota: 1_000, length: 300_000, [.init(share: Self.share(1), count: 400, pause: 1_000_000)],
            seed: 1)
        simulation.run(milliseconds: 200)
        #expect(simulation.waiting == 0 && simulation.longest[0] <= 1 && simulation.got[0][0] == 400)
    }

    @Test("A burst beyond the budget gets all of it within the longest wait, and the rest is turned away")
    func overdue() {
        var simulation = BudgetSimulation(
            workers: 2, quota: 1_000, length: 300_000, [.init(share: Self.share(1), count: 1_500, pause: 1_000_000)],
            seed: 2)
        simulation.run(milliseconds: 21_000)
        #expect(simulation.waiting == 0)
        #expect(simulation.got[0][0] == 1_000 && simulation.turnedAway == 500)
    }

    @Test("Those whose worker has died do not hold up the others")
    func deadWorker() {
        var simulation = BudgetSimulation(
            workers: 2, quota: 200, length: 2_000,
            [.init(share: Self.share(1), count: 30), .init(share: Self.share(2), count: 30)],
            seed: 3)
        simulation.run(milliseconds: 4_500)
        simulation.dead = [0]
        simulation.run(milliseconds: 5_500)
        // The window in which it died has calls without an answer, and those that had their turn there.
        #expect(simulation.got[3].reduce(0, +) >= 190 && simulation.got[4].reduce(0, +) >= 190, "\(simulation.got)")
    }

    private func full(left: Int) throws -> (BudgetWindow, Int) {
        let ledger = BudgetLedger()
        let account = try #require(ledger.account(2, at: 0))
        let window = ledger.window(account, .api)
        window.learn(
            RateLimitReport(bucket: .api, left: left, seconds: 100, quota: 100, window: 100), nil, isSpent: false,
            retryAfter: nil, at: 1_000_000)
        return (window, 1_000_000)
    }

    private func waiter(_ id: Int, _ place: Int, due: Int = 50_000_000, from: Int = 0, isHasty: Bool = false)
        -> BudgetQueue.Waiter
    {
        BudgetQueue.Waiter(id: id, share: Self.share(place), due: due, from: from, isHasty: isHasty)
    }

    @Test("Who has left is not given a turn, and holds nobody up")
    func leaving() throws {
        let (window, now) = try full(left: 0)
        var queue = BudgetQueue(window)
        for id in 1...6 { queue.add(waiter(id, id % 2 + 1), at: now) }
        for id in [1, 4, 3] { queue.remove(id, of: Self.share(id % 2 + 1)) }
        #expect(queue.count == 3)
        #expect(queue.next(at: now) == nil)
        var gone: [Int] = []
        while case .refused(let id)? = queue.next(at: 60_000_000) { gone.append(id) }
        #expect(Set(gone) == [2, 5, 6] && queue.count == 0)
        #expect(window.firstWaiting(at: now) == .max)
    }

    @Test("Each ends by its own patience; who was refused by the Hub does not go before it may")
    func patience() throws {
        let (window, now) = try full(left: 0)
        var queue = BudgetQueue(window)
        queue.add(waiter(1, 1, due: 20_000_000), at: now)
        queue.add(waiter(2, 1, due: 8_000_000, isHasty: true), at: now)
        queue.add(waiter(3, 2, due: 9_000_000, from: 9_000_000), at: now)
        #expect(queue.pause(at: now) <= 100_000)
        #expect(queue.next(at: 7_999_999) == nil)
        #expect(queue.next(at: 8_000_000) == .refused(2))
        #expect(queue.next(at: 8_000_000) == nil)
        #expect(queue.next(at: 9_000_000) == .refused(3))
        #expect(queue.next(at: 20_000_000) == .refused(1))
        #expect(queue.count == 0)
    }

    @Test("Once nothing is known of the budget all go but those that the Hub has sent away for a while")
    func forgotten() throws {
        let (window, now) = try full(left: 0)
        var queue = BudgetQueue(window)
        queue.add(waiter(1, 1), at: now)
        queue.add(waiter(2, 2, from: 5_000_000), at: now)
        window.forget()
        #expect(queue.next(at: now) == .goes(1, nil))
        #expect(queue.next(at: now) == nil)
        #expect(queue.next(at: 5_000_000) == .goes(2, nil))
    }

    @Test("What must not be made twice does not find out whether a window has begun")
    func probes() throws {
        let (window, now) = try full(left: 0)
        var queue = BudgetQueue(window)
        queue.add(
            BudgetQueue.Waiter(id: 1, share: Self.share(1), due: 200_000_000, isSafe: false), at: now)
        let end = now + 100_000_000
        #expect(queue.next(at: end) == nil)
        queue.add(waiter(2, 2, due: 200_000_000), at: end)
        guard case .goes(2, _)? = queue.next(at: end + 1_000) else { return _ = Issue.record("the probe did not go") }
        #expect(queue.next(at: end + 1_000_000) == nil)
    }
}
