@testable import EventIO
@testable import Hub
@testable import Server
import Testing

/// What requests take of their keys' limits, with a clock that the test turns and a state process that answers when it says so.
@Suite("Limits over midnight", .live)
struct KeyAllowanceTests {
    private static let midnight = 20_787 * 86_400

    @EventLoop
    private final class Clock {
        var now = KeyAllowanceTests.midnight - 1
    }

    @EventLoop
    private final class Place {
        let clock = Clock()
        let words = QuotaWords(workers: 1, slots: 128)
        private let state: PacketSocket
        private let quotas: KeyQuotas
        /// What was asked, in order, and not answered yet.
        private var asked: [(sender: Int64, sequence: Int64, debit: QuotaDebit)] = []

        init() throws {
            let (mine, theirs) = try PacketSocket.pair()
            state = mine
            let client = StateClient(theirs)
            client.begin()
            quotas = KeyQuotas(words, worker: 1, client: client) { [clock] in clock.now }
        }

        /// A request of a key of these limits that asks a model.
        func admit(_ limits: String, body: Int = 0) throws -> KeyAllowance {
            let key = KeyIdentity(
                number: 1, publicID: 5, name: "ml-team", grant: SharedGrant(KeyGrant(role: "admin", limits: limits)))
            return try #require(try quotas.admit(key, body: UInt64(body), asksModel: true, isCounted: true))
        }

        func taken(of limit: KeyLimit, day: Int64) -> Int64? {
            words.slot(of: 5, today: day).flatMap { words.standing(of: limit, $0, day: day)?.taken }
        }

        /// The days that are asked about and were not before.
        func questions() -> [Int64] {
            var new: [Int64] = []
            while let bytes = state.receive() {
                guard case .append(let sender, let sequence, let record) = StateMessage(bytes),
                    let debit = QuotaDebit(record.payload)
                else { continue }
                asked.append((sender, sequence, debit))
                new.append(debit.day)
            }
            return new
        }

        /// Answers the first question, as the state does that has debited nothing before.
        func answer() {
            let (sender, sequence, debit) = asked.removeFirst()
            let balance = QuotaBalance(base: 0, debited: min(debit.limit, max(debit.target, debit.beyond)))
            _ = state.send(StateMessage.answer(sender: sender, sequence: sequence, balance.bytes).bytes)
            _ = state.send(StateMessage.done(sender: sender, sequence: sequence).bytes)
        }
    }

    @EventLoop
    private func wait(_ condition: @EventLoop () -> Bool) async -> Bool {
        for _ in 0..<2000 {
            if condition() { return true }
            await EventLoop.sleep(milliseconds: 1)
        }
        return false
    }

    @EventLoop
    private final class Outcome {
        var isOpen = false
        var failure: Failure?

        init(_ allowance: KeyAllowance) {
            allowance.whenOpen { failure in
                self.isOpen = true
                self.failure = failure
            }
        }
    }

    @Test("A request that waits for the state over midnight takes of the new day, and is not refused")
    @EventLoop
    func waiting() async throws {
        let place = try Place()
        let allowance = try place.admit("inference-a-day=10")
        let outcome = Outcome(allowance)
        #expect(await wait { place.questions() == [20_786] })
        place.clock.now = Self.midnight
        place.answer()
        // The day has changed: it has to be asked about that, too.
        #expect(await wait { place.questions() == [20_787] })
        #expect(!outcome.isOpen)
        place.answer()
        #expect(await wait { outcome.isOpen })
        #expect(outcome.failure == nil)
        #expect(place.taken(of: .inferenceADay, day: 20_787) == 1)
    }

    @Test("One that comes after midnight is not told what was asked about the day before")
    @EventLoop
    func afterwards() async throws {
        let place = try Place()
        let early = try place.admit("inference-a-day=10")
        #expect(await wait { place.questions() == [20_786] })
        place.clock.now = Self.midnight
        let late = try place.admit("inference-a-day=10")
        #expect(await wait { place.questions() == [20_787] })
        let outcomes = [Outcome(early), Outcome(late)]
        place.answer()
        place.answer()
        // The early one may have to ask once more.
        #expect(
            await wait {
                if !place.questions().isEmpty { place.answer() }
                return outcomes.allSatisfy { $0.isOpen }
            })
        #expect(outcomes.allSatisfy { $0.failure == nil })
        #expect(place.taken(of: .inferenceADay, day: 20_787) == 2)
    }

    @Test("A long body is read in turns of the loop, and costs what it does in one")
    @EventLoop
    func longBody() async throws {
        let place = try Place()
        let body = Array(
            "{\"messages\":[{\"content\":\"\(String(repeating: "word ", count: 100_000))\"}],\"max_tokens\":7}".utf8)
        let allowance = try place.admit("tokens-a-day=10M", body: body.count)
        try allowance.takeTokens(body, length: nil)
        #expect(!allowance.isOpen)
        let outcome = Outcome(allowance)
        #expect(await wait { !place.questions().isEmpty })
        place.answer()
        #expect(await wait { outcome.isOpen })
        #expect(outcome.failure == nil)
        #expect(place.taken(of: .tokensADay, day: 20_786) == TokenEstimate.most(body, length: nil))
    }
}
