@testable import EventIO
@testable import Hub
@testable import Server
import Testing

@Suite struct RequestRateTests {
    private static let second: UInt64 = 1_000_000_000

    /// A key's requests, one after the other.
    private struct Past {
        let rate: RequestRate
        var next: UInt64 = 0

        mutating func ask(at now: UInt64) -> UInt64? {
            switch rate.admit(at: now, next: next) {
            case .admitted(let after):
                next = after
                return nil
            case .refused(let wait): return wait
            }
        }

        /// How many of `count` requests are admitted at that moment.
        mutating func burst(_ count: Int, at now: UInt64) -> Int {
            (0..<count).count { _ in ask(at: now) == nil }
        }
    }

    private func rate(_ text: String) throws -> RequestRate { try #require(RequestRate(text)) }

    @Test(
        "A rate is read as it is written",
        arguments: ["1/s", "600/m", "1000000000/s", "1/d", "7/h", "1000000000/d"])
    func text(_ text: String) throws {
        #expect(try rate(text).description == text)
    }

    @Test(
        "What is no rate is none",
        arguments: [
            "", "/", "600", "600/", "/m", "0/m", "-1/m", "+1/m", "1.5/m", "1/w", "1/M", "1/m/s", " 1/m", "1 /m",
            "1000000001/s",
            "99999999999999999999/s", "１/m", "0x1/m",
        ])
    func noRate(_ text: String) {
        #expect(RequestRate(text) == nil)
    }

    @Test(
        "After a silence there are as many at once as in a period, and not one more",
        arguments: ["1/s", "7/s", "600/m", "5/d"])
    func burst(_ text: String) throws {
        var past = Past(rate: try rate(text))
        let count = Int(past.rate.count)
        for moment in [0, Self.second, 1 << 62] as [UInt64] {
            past.next = 0
            let got1 = past.burst(count + 10, at: moment)
            #expect(got1 == count)
            // The clock stands still.
            let got2 = past.burst(1000, at: moment)
            #expect(got2 == 0)
        }
    }

    @Test("What is refused is told to the nanosecond when to come again, and is admitted then and not before")
    func refill() throws {
        var past = Past(rate: try rate("600/m"))
        let got3 = past.burst(600, at: 5 * Self.second)
        #expect(got3 == 600)
        let wait = past.ask(at: 5 * Self.second) ?? 0
        #expect(wait == Self.second / 10)
        let rest = past.ask(at: 5 * Self.second + wait - 1)
        #expect(rest == 1)
        let got4 = past.burst(5, at: 5 * Self.second + wait)
        #expect(got4 == 1)
        // A minute later it is as at the beginning, and no more for a longer silence.
        let got5 = past.burst(10_000, at: 65 * Self.second + wait)
        #expect(got5 == 600)
        let got6 = past.burst(10_000, at: 1_000_000 * Self.second)
        #expect(got6 == 600)
    }

    @Test("Over any time there are never more than the burst and what the rate gives, whatever the times are")
    func never() throws {
        var generator = SystemRandomNumberGenerator()
        for text in ["1/s", "3/s", "7/m", "999999937/s", "1000/h"] {
            let rate = try rate(text)
            var past = Past(rate: rate)
            var (now, admitted) = (UInt64.random(in: 0...(1 << 60), using: &generator), UInt64(0))
            let begin = now
            for _ in 0..<5000 {
                now += UInt64.random(in: 0...(rate.interval * 2), using: &generator)
                for _ in 0..<Int.random(in: 1...4) where past.ask(at: now) == nil { admitted += 1 }
                let most = Double(rate.count) + Double(now - begin) * Double(rate.count) / (Double(rate.seconds) * 1e9)
                #expect(Double(admitted) <= most + 1e-6)
                guard Double(admitted) <= most + 1e-6 else { return }
            }
        }
    }

    @Test("The ends of the numbers trap nowhere and admit nothing beyond the burst")
    func ends() throws {
        for text in ["1/d", "1000000000/s", "1000000000/d"] {
            let rate = try rate(text)
            for now in [0, 1, UInt64.max - 1, .max] {
                for next in [0, 1, now, UInt64.max - 1, .max] {
                    switch rate.admit(at: now, next: next) {
                    case .admitted(let after): #expect(after >= now)
                    case .refused(let wait):
                        #expect(wait <= rate.tolerance + rate.interval && RequestRate.seconds(wait) >= 1)
                    }
                }
            }
        }
        #expect(
            RequestRate.seconds(.max) > 0 && RequestRate.seconds(0) == 1 && RequestRate.seconds(Self.second + 1) == 2)
    }

    @Test(
        "A key whose rate is raised does not wait for the end of the old one, and one whose rate is lowered has no more than that"
    )
    func change() throws {
        let (slow, fast) = (try rate("1/d"), try rate("600/m"))
        var past = Past(rate: slow)
        let got7 = past.burst(2, at: Self.second)
        #expect(got7 == 1)
        past = Past(rate: fast, next: past.next)
        let left = past.burst(10, at: Self.second)
        #expect(left == 1)
        let wait = past.ask(at: Self.second)
        #expect(wait == Self.second / 10)
        let got8 = past.burst(100, at: 11 * Self.second)
        #expect(got8 == 100)
        past = Past(rate: slow, next: past.next)
        let got9 = past.burst(100, at: 11 * Self.second)
        #expect(got9 <= 1)
    }

    @Test("Keys do not count for each other, and who has no rate is not counted")
    func keys() throws {
        let rates = KeyRates(words: 16)
        let rate = try rate("3/d")
        for number in 1...15 as ClosedRange<Int64> {
            #expect((0..<10).count { _ in rates.take(rate, of: number, at: Self.second) == nil } == 3)
        }
        // The word of key 1: two keys of one word get the less.
        #expect(rates.take(rate, of: 17, at: Self.second) != nil)
        let free = KeyIdentity(number: 1, publicID: 1, name: "k", grant: SharedGrant(KeyGrant(role: "reader")))
        for _ in 0..<10 { try rates.take(free, at: Self.second) }
    }

    @Test("Who has had all gets 429 with its limit, its name and the fields by which the Hub's clients wait")
    func failure() throws {
        let rates = KeyRates(words: 16)
        let key = KeyIdentity(
            number: 1, publicID: 1, name: "ml-team", grant: SharedGrant(KeyGrant(role: "reader", rate: "2/m")))
        for _ in 0..<2 { try rates.take(key, at: Self.second) }
        let failure = try #require(throws: Failure.self) { try rates.take(key, at: Self.second) }
        #expect(failure.kind == .tooManyRequests(limit: 2, seconds: 60) && failure.retryAfter == 30)
        #expect(failure.detail.hasPrefix("The gateway key ml-team has used its rate of 2 requests a minute. "))
    }

    @Test("Processes that count at once have together what one would have")
    func processes() throws {
        let words = SharedWords(count: 2)
        #expect(words.load(0) == 0 && words.exchange(0, 0, for: 5) == nil && words.exchange(0, 0, for: 6) == 5)
        #expect(words.load(0) == 5 && words.load(1) == 0)
    }

    @Test("A rate that cannot be read lets a key do nothing")
    func unreadable() {
        #expect(SharedGrant(KeyGrant(role: "admin", rate: "600/w")).fault != nil)
    }
}
