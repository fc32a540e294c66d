@testable import EventIO
import Foundation
@testable import Hub
@testable import Server
import Synchronization
import Testing

@Suite struct KeyLimitsTests {
    @Test(
        "Limits are read as they are written",
        arguments: [
            "", "concurrent=20", "bytes-a-day=50GB", "tokens-a-day=1M", "inference-a-day=0",
            "concurrent=1 bytes-a-day=1KiB tokens-a-day=1500 inference-a-day=1000",
        ])
    func text(_ text: String) throws {
        #expect(try #require(KeyLimits(text)).description == text)
    }

    @Test(
        "What is no limit is none",
        arguments: [
            "concurrent", "concurrent=", "concurrent=x", "concurrent=-1", "concurrent=1k", "bytes-a-day=1",
            "bytes-a-day=1gb",
            "tokens-a-day=1.5M", "concurrent=1 concurrent=2", "moon=1", "bytes-a-day=99999999TB",
            "inference-a-day=99999999999999999999", "concurrent=１",
        ])
    func noLimit(_ text: String) {
        #expect(KeyLimits(text) == nil)
    }

    @Test("An amount is written with the largest unit that it is a multiple of")
    func units() {
        #expect(KeyLimit.bytesADay.text(1_500_000) == "1500KB" && KeyLimit.bytesADay.text(1 << 30) == "1GiB")
        #expect(KeyLimit.bytesADay.text(0) == "0B" && KeyLimit.tokensADay.text(2_000_000) == "2M")
        #expect(KeyLimit.bytesADay.text(1) == "1B" && KeyLimit.inferenceADay.text(1000) == "1000")
        for limit in KeyLimit.allCases { #expect(limit.amount(limit.text(KeyLimit.most)) == KeyLimit.most) }
    }

    @Test("A key's own limit takes the place of its role's; where it has none the role's counts")
    func roles() throws {
        var roles = TeamRoles()
        roles = try ValueCodec<TeamRoles>.teamRoles.read(
            "{team: {allow: [\"infer *\"], rate: 5/m, inference_a_day: 10, bytes_a_day: 1GB}}")
        let book = RoleBook(roles)
        #expect(book.faults.isEmpty)
        let plain = SharedGrant(KeyGrant(role: "team"), book)
        #expect(plain.limits == KeyLimits("inference-a-day=10 bytes-a-day=1GB") && plain.rate == RequestRate("5/m"))
        let own = SharedGrant(KeyGrant(role: "team", rate: "6/m", limits: "inference-a-day=20 concurrent=1"), book)
        #expect(own.limits == KeyLimits("inference-a-day=20 bytes-a-day=1GB concurrent=1"))
        #expect(own.rate == RequestRate("6/m") && own.digest == plain.digest)
        #expect(SharedGrant(KeyGrant(role: "reader")).limits == nil)
        #expect(SharedGrant(KeyGrant(role: "reader", limits: "moon=1")).fault != nil)
        let text = ValueCodec<TeamRoles>.teamRoles.text(roles)
        #expect(try ValueCodec<TeamRoles>.teamRoles.read(text) == roles)
    }

    @Test(
        "What is wrong with a role's limit is said with its name",
        arguments: [
            ("{a: {allow: [\"read *\"], bytes_a_day: 5}}", "bytes_a_day"),
            ("{a: {allow: [\"read *\"], rate: 5/w}}", "rate"),
            ("{a: {allow: [\"read *\"], moon: 5}}", "moon"),
            ("{a: {allow: [\"read *\"], concurrent: [1]}}", "concurrent"),
            ("{a: {allow: [\"read *\"], concurrent: 1, concurrent: 2}}", "twice"),
        ])
    func badRoles(_ text: String, _ said: String) {
        var reason = ""
        do throws(ValueError) {
            reason = RoleBook(try ValueCodec<TeamRoles>.teamRoles.read(text)).faults.values.joined()
        } catch {
            reason = error.reason
        }
        #expect(reason.contains(said), "\(reason)")
    }
}

@Suite struct QuotaWordsTests {
    private let words = QuotaWords(workers: 2, slots: 128)
    private let today: Int64 = 20_786

    private func slot(_ key: Int64) throws -> QuotaWords.Slot { try #require(words.slot(of: key, today: today)) }

    @Test("A key has the same slot each time, and keys do not count for each other")
    func slots() throws {
        let slots = try (1...40 as ClosedRange<Int64>).map { try slot($0 &* 0x5DEE_CE66_D123) }
        #expect(try slots == (1...40 as ClosedRange<Int64>).map { try slot($0 &* 0x5DEE_CE66_D123) })
        for (index, slot) in slots.enumerated() {
            words.learn(QuotaBalance(base: Int64(index), debited: 100), of: .tokensADay, slot, day: today)
        }
        for (index, slot) in slots.enumerated() {
            #expect(words.standing(of: .tokensADay, slot, day: today)?.taken == Int64(index))
            #expect(words.standing(of: .bytesADay, slot, day: today) == nil)
        }
    }

    @Test(
        "Before anything is known of a day the state has to be asked, and after it there is what the limit leaves and not one more"
    )
    func take() throws {
        let slot = try slot(5)
        #expect(words.take(1, of: .inferenceADay, slot, limit: 10, day: today) == .unknown)
        // Two workers have asked: the answers name the same base, and come in either order.
        words.learn(QuotaBalance(base: 3, debited: 9), of: .inferenceADay, slot, day: today)
        words.learn(QuotaBalance(base: 3, debited: 6), of: .inferenceADay, slot, day: today)
        let standing = words.standing(of: .inferenceADay, slot, day: today)
        #expect(standing?.taken == 3 && standing?.debited == 9)
        for position in 4...10 as ClosedRange<Int64> {
            #expect(words.take(1, of: .inferenceADay, slot, limit: 10, day: today) == .taken(position: position))
        }
        #expect(words.take(1, of: .inferenceADay, slot, limit: 10, day: today) == .over)
        words.change(by: -2, of: .inferenceADay, slot, day: today)
        #expect(words.take(3, of: .inferenceADay, slot, limit: 10, day: today) == .over)
        #expect(words.take(2, of: .inferenceADay, slot, limit: 10, day: today) == .taken(position: 10))
        // Lowered, raised, and beyond every number.
        #expect(words.take(1, of: .inferenceADay, slot, limit: 5, day: today) == .over)
        #expect(words.take(1, of: .inferenceADay, slot, limit: 11, day: today) == .taken(position: 11))
        #expect(words.take(1 << 45, of: .inferenceADay, slot, limit: KeyLimit.most, day: today) == .over)
        words.change(by: -(1 << 45), of: .inferenceADay, slot, day: today)
        #expect(words.standing(of: .inferenceADay, slot, day: today)?.taken == 0)
    }

    @Test(
        "A new day begins with nothing, what is settled of the day before changes nothing, and a clock that goes back gives nothing anew"
    )
    func days() throws {
        let slot = try slot(5)
        words.learn(QuotaBalance(base: 0, debited: 50), of: .bytesADay, slot, day: today)
        #expect(words.take(50, of: .bytesADay, slot, limit: 50, day: today) == .taken(position: 50))
        #expect(words.take(1, of: .bytesADay, slot, limit: 50, day: today + 1) == .unknown)
        words.learn(QuotaBalance(base: 0, debited: 10), of: .bytesADay, slot, day: today + 1)
        #expect(words.take(5, of: .bytesADay, slot, limit: 50, day: today + 1) == .taken(position: 5))
        // What a request of the day before gives back is of the day that goes on: never more than that has.
        words.learn(QuotaBalance(base: 0, debited: 50), of: .bytesADay, slot, day: today)
        #expect(words.take(46, of: .bytesADay, slot, limit: 50, day: today) == .over)
        #expect(words.take(45, of: .bytesADay, slot, limit: 50, day: today) == .taken(position: 50))
        #expect(words.take(1, of: .bytesADay, slot, limit: 50, day: today + 2) == .unknown)
    }

    @Test("Of those that ask at once, in many threads, exactly as many get something as the limit says")
    func threads() throws {
        let slot = try slot(5)
        words.learn(QuotaBalance(base: 0, debited: 10_000), of: .tokensADay, slot, day: today)
        let taken = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<2000 {
                if case .taken = words.take(3, of: .tokensADay, slot, limit: 10_000, day: today) {
                    taken.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(taken.load(ordering: .relaxed) == 3333)
        #expect(words.standing(of: .tokensADay, slot, day: today)?.taken == 9999)
    }

    @Test("No more requests are under way than may be, in any worker; those of one that dies are over")
    func underWay() throws {
        let slot = try slot(5)
        #expect(!words.enter(slot, most: 0, worker: 1))
        #expect((0..<10).count { _ in words.enter(slot, most: 3, worker: 1) } == 3)
        #expect(!words.enter(slot, most: 3, worker: 2))
        words.leave(slot, worker: 1)
        #expect(words.enter(slot, most: 3, worker: 2) && !words.enter(slot, most: 3, worker: 2))
        words.clear(worker: 1)
        #expect((0..<10).count { _ in words.enter(slot, most: 3, worker: 1) } == 2)
        // Those that are not limited count all the same.
        #expect(words.enter(slot, most: nil, worker: 2) && !words.enter(slot, most: 4, worker: 1))
        // Of those that are not counted there may be any number, before and after, and one that leaves makes no room.
        #expect((0..<9).allSatisfy { _ in words.enter(slot, most: 4, isCounted: false, worker: 1) })
        words.leave(slot, isCounted: false, worker: 1)
        #expect(!words.enter(slot, most: 4, worker: 1))
        words.leave(slot, worker: 2)
        #expect(words.enter(slot, most: 4, worker: 1) && !words.enter(slot, most: 4, worker: 1))
    }

    @Test("Of many threads that enter and leave there are never more inside than may be")
    func crowd() throws {
        let slot = try slot(9)
        let inside = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let entered = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for _ in 0..<2000 where words.enter(slot, most: 3, worker: 1 + thread % 2) {
                entered.add(1, ordering: .relaxed)
                most.max(inside.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .relaxed)
                inside.subtract(1, ordering: .sequentiallyConsistent)
                words.leave(slot, worker: 1 + thread % 2)
            }
        }
        #expect(most.load(ordering: .relaxed) <= 3 && entered.load(ordering: .relaxed) > 0)
        #expect((0..<5).count { _ in words.enter(slot, most: 3, worker: 1) } == 3)
    }

    @Test("Where there is no slot left the one of a key is taken that has asked nothing since yesterday, and no other")
    func recycling() throws {
        let words = QuotaWords(workers: 1, slots: 2)
        let (one, two) = (words.slot(of: 1, today: today), words.slot(of: 2, today: today))
        let slot = try #require(one)
        #expect(two != nil && one != two)
        words.learn(QuotaBalance(base: 1, debited: 2), of: .bytesADay, slot, day: today)
        #expect(words.enter(try #require(two), most: nil, worker: 1))
        // Both are in use.
        #expect(words.slot(of: 3, today: today) == nil && words.slot(of: 3, today: today + 1) == nil)
        #expect(words.slot(of: 3, today: today + 2) == one)
        #expect(words.take(1, of: .bytesADay, slot, limit: 9, day: today + 2) == .unknown)
        words.learn(QuotaBalance(base: 0, debited: 1), of: .bytesADay, slot, day: today + 2)
        #expect(words.slot(of: 1, today: today + 2) == nil)
    }

    @Test("At the end it is known what was spent of what is debited")
    func spent() throws {
        let (one, two) = (try slot(7), try slot(8))
        words.learn(QuotaBalance(base: 5, debited: 20), of: .bytesADay, one, day: today)
        words.learn(QuotaBalance(base: 0, debited: 4), of: .inferenceADay, two, day: today)
        _ = words.take(3, of: .bytesADay, one, limit: 100, day: today)
        _ = words.take(4, of: .inferenceADay, two, limit: 100, day: today)
        #expect(
            words.spent == [QuotaDebit(publicID: 7, kind: .bytesADay, day: today, run: words.run, target: 8)])
    }
}
