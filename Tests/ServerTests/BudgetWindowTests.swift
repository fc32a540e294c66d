@testable import EventIO
@testable import Hub
@testable import Server
import Testing

@Suite("A window of the Hub's budget")
struct BudgetWindowTests {
    private let ledger = BudgetLedger()
    private let share = BudgetShare(place: 7)
    /// In microseconds.
    private let begin = 1_000_000_000

    private func window(_ digest: UInt64 = 2) throws -> BudgetWindow {
        let account = try #require(ledger.account(digest, at: begin))
        return ledger.window(account, .api)
    }

    private func report(_ left: Int, _ seconds: Int, quota: Int? = 100, window: Int? = 300) -> RateLimitReport {
        RateLimitReport(bucket: .api, left: left, seconds: seconds, quota: quota, window: window)
    }

    private func learn(
        _ window: BudgetWindow, _ report: RateLimitReport, _ ticket: BudgetWindow.Ticket? = nil, isSpent: Bool = false,
        retryAfter: Int? = nil, at now: Int
    ) {
        window.learn(report, ticket, isSpent: isSpent, retryAfter: retryAfter, at: now)
    }

    private func take(_ window: BudgetWindow, at now: Int) throws -> BudgetWindow.Ticket {
        let view = try #require(window.look(at: now))
        return try #require(window.take(view, for: share, at: now))
    }

    @Test("Nothing is known before the Hub has told of it")
    func unknown() throws {
        #expect(!ledger.isUsed)
        #expect(try window().look(at: begin) == nil)
    }

    @Test("What is left is counted down by calls and set right by answers, whatever is on its way")
    func counting() throws {
        let window = try window()
        learn(window, report(50, 200), at: begin)
        let view = try #require(window.look(at: begin))
        #expect(view.left == 50 && view.quota == 100 && view.length == 300_000 && view.rest(at: begin) == 200_000)
        let tickets = (0..<10).compactMap { _ in window.take(view, for: share, at: begin) }
        #expect(tickets.count == 10 && window.look(at: begin)?.left == 40)
        // Of the first one, before the Hub has seen the others.
        learn(window, report(49, 200), tickets[0], at: begin)
        #expect(window.look(at: begin)?.left == 40)
        // Another program spends of it, too.
        learn(window, report(20, 200), tickets[9], at: begin)
        #expect(window.look(at: begin)?.left == 20)
        // An answer that comes late does not give back what was spent since.
        learn(window, report(45, 200), tickets[3], at: begin)
        #expect(window.look(at: begin)?.left == 20)
        learn(window, report(20, 200), tickets[8], at: begin)
        #expect(window.look(at: begin)?.left == 20)
    }

    @Test("An answer that was long on its way tells of no other window, and gives back nothing")
    func slowAnswer() throws {
        let window = try window()
        learn(window, report(50, 100), at: begin)
        let slow = try take(window, at: begin)
        for _ in 0..<20 { _ = try take(window, at: begin) }
        // As the Hub saw it when the request came.
        learn(window, report(49, 100), slow, at: begin + 10_000_000)
        let view = try #require(window.look(at: begin + 10_000_000))
        #expect(view.left == 29 && view.rest(at: begin) == 100_000)
        // Another window is one, however long the answer took.
        let last = try take(window, at: begin + 10_000_000)
        learn(window, report(98, 300), last, at: begin + 12_000_000)
        #expect(window.look(at: begin + 12_000_000)?.left == 98)
    }

    @Test("A call that was not made gives back what it took")
    func givenBack() throws {
        let window = try window()
        learn(window, report(2, 200), at: begin)
        let view = try #require(window.look(at: begin))
        let first = try #require(window.take(view, for: share, at: begin))
        #expect(window.take(view, for: share, at: begin) != nil && window.take(view, for: share, at: begin) == nil)
        window.giveBack(first)
        #expect(window.take(view, for: share, at: begin) != nil && window.take(view, for: share, at: begin) == nil)
    }

    @Test("When the window is over one call finds out whether the next has begun; long after, all of it may be spent")
    func rolling() throws {
        let window = try window()
        learn(window, report(0, 200), at: begin)
        let later = begin + 200_000_000
        #expect(window.look(at: later - 1_000)?.left == 0)
        let next = try #require(window.look(at: later))
        #expect(next.left == 1 && next.isGuess && next.isProbe)
        let probe = try #require(window.take(next, for: share, at: later))
        #expect(window.take(next, for: share, at: later) == nil)
        learn(window, report(99, 300), probe, at: later + 50_000)
        let known = try #require(window.look(at: later + 50_000))
        #expect(known.left == 99 && !known.isGuess)
        #expect(window.look(at: later + 310_000_000)?.left == 100)
    }

    @Test("A probe that comes too early is refused, and the window's end is set right")
    func earlyProbe() throws {
        let window = try window()
        learn(window, report(0, 200), at: begin)
        let later = begin + 200_000_000
        let probe = try take(window, at: later)
        learn(window, report(0, 0), probe, isSpent: true, retryAfter: 2, at: later)
        #expect(window.look(at: later + 1_900_000)?.left == 0)
        #expect(window.look(at: later + 2_000_000)?.left == 1)
    }

    @Test("A 429 empties the window until its Retry-After, where that is longer")
    func refused() throws {
        let window = try window()
        learn(window, report(50, 100), at: begin)
        let ticket = try take(window, at: begin)
        learn(window, report(0, 100), ticket, isSpent: true, retryAfter: 150, at: begin)
        #expect(window.look(at: begin + 149_000_000)?.left == 0)
        #expect(window.look(at: begin + 150_000_000)?.left == 1)
    }

    @Test(
        "The end comes nearer with each answer, as the Hub tells whole seconds, and a window that begins anew is seen")
    func ends() throws {
        let window = try window()
        learn(window, report(50, 100), at: begin)
        let ticket = try take(window, at: begin)
        learn(window, report(49, 99), ticket, at: begin + 300_000)
        #expect(window.look(at: begin)?.rest(at: begin) == 99_300)
        let number = try #require(window.look(at: begin)).number
        learn(window, report(80, 300), at: begin + 400_000)
        let view = try #require(window.look(at: begin + 400_000))
        #expect(view.number != number && view.left == 80 && view.rest(at: begin + 400_000) == 300_000)
    }

    @Test("A Hub that stops to tell of the budget has none, once the window is over")
    func silence() throws {
        let window = try window()
        learn(window, report(0, 100), at: begin)
        window.missed(nil, at: begin)
        #expect(window.look(at: begin) != nil)
        let later = begin + 100_000_000
        window.missed(try take(window, at: later), at: later)
        #expect(window.look(at: later) == nil)
    }

    @Test("It is short when less is left than is asked for at this rate until the end")
    func shortage() throws {
        let window = try window()
        learn(window, report(100, 300), at: begin)
        func view() throws -> BudgetWindow.View { try #require(window.look(at: begin)) }
        for _ in 0..<50 {
            window.noteDemand(try view())
            #expect(!window.isShort(try view(), at: begin))
            _ = window.take(try view(), for: share, at: begin)
        }
        for _ in 0..<2 { window.noteDemand(try view()) }
        #expect(window.isShort(try view(), at: begin))
        // A moment before the end the rest is enough for all requests that come.
        #expect(!window.isShort(try view(), at: begin + 299_000_000))
    }

    @Test("Another credential has other windows, and one that is long over makes room")
    func accounts() throws {
        let one = try window(10)
        learn(one, report(5, 100), at: begin)
        #expect(try window(11).look(at: begin) == nil)
        #expect(try window(10).look(at: begin)?.left == 5)
        // Eight places for each: nine of them cannot be known at once.
        let digests = (1...9).map { UInt64($0 << 32 | 200) }
        for digest in digests.dropLast() { learn(try window(digest), report(3, 100), at: begin) }
        #expect(ledger.account(digests[8], at: begin) == nil)
        let later = begin + 1_000_000_000
        let account = try #require(ledger.account(digests[8], at: later))
        #expect(ledger.window(account, .api).look(at: later) == nil)
        #expect(ledger.isCurrent(account))
    }

    @Test("Which bucket a path is in is as the Hub names it")
    func buckets() throws {
        let account = try #require(ledger.account(33, at: begin))
        #expect(ledger.bucket(account, of: .resolveCache) == .resolvers)
        ledger.name(.pages, for: .resolveCache, of: account)
        #expect(ledger.bucket(account, of: .resolveCache) == .pages)
        #expect(ledger.bucket(account, of: .resolve) == .resolvers)
        let other = try #require(ledger.account(34, at: begin))
        #expect(ledger.bucket(other, of: .resolveCache) == .resolvers)
    }

    @Test("Whatever a Hub says, a window stays within its bounds and ends", arguments: 1...20)
    func lies(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let window = try window()
        var (now, tickets): (Int, [BudgetWindow.Ticket?]) = (begin, [])
        for _ in 0..<2_000 {
            now += Int(random.next() % 3_000_000)
            let numbers = [0, 1, 7, 500, Int.max, Int.min, -1, Int(random.next() % 10_000)]
            func number() -> Int { numbers[Int(random.next() % UInt64(numbers.count))] }
            let report = RateLimitReport(
                bucket: .api, left: number(), seconds: number(), quota: random.next() % 2 == 0 ? number() : nil,
                window: random.next() % 2 == 0 ? number() : nil)
            if let view = window.look(at: now) {
                tickets.append(window.take(view, for: share, at: begin))
                _ = window.isShort(view, at: now)
                _ = window.takeTurn(view, at: now)
                _ = window.maySpendNow(share, view, at: now)
                #expect(view.left <= RateLimitReport.largestQuota && view.rest(at: now) <= 3_600_000)
            }
            let ticket = tickets.isEmpty ? nil : tickets.remove(at: Int(random.next() % UInt64(tickets.count)))
            if random.next() % 8 == 0 {
                window.missed(ticket, at: now)
            } else {
                learn(window, report, ticket, isSpent: random.next() % 4 == 0, retryAfter: 5, at: now)
            }
        }
        let end = now + 3_700_000_000
        if let view = window.look(at: end) { #expect(view.left >= 1) }
    }
}
