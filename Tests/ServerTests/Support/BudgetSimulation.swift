@testable import EventIO
@testable import Hub
@testable import Server

/// Workers with their queues before a Hub that counts in fixed windows, by a clock that only this turns: a millisecond a step.
struct BudgetSimulation {
    /// Callers of one share, each of which asks again as soon as it is answered, after its pause.
    struct Callers {
        let share: BudgetShare
        let count: Int
        /// In milliseconds.
        var pause = 0
    }

    private struct Caller {
        let group: Int
        let worker: Int
        /// In milliseconds; nil while it waits.
        var next: Int?
        var asked = 0
    }

    private struct Answer {
        let caller: Int
        let at: Int
        let status: Int
        let report: RateLimitReport
        let ticket: BudgetWindow.Ticket?
    }

    let window: BudgetWindow
    let quota: Int
    /// Of a window and of a call, in milliseconds.
    let length: Int
    let latency: Int
    private var queues: [BudgetQueue]
    private let groups: [Callers]
    private var callers: [Caller] = []
    private var answers: [Answer] = []
    private var looks: [Int]
    private var owners: [Int: Int] = [:]
    private var lastID = 0
    /// In milliseconds.
    private(set) var now = 1_000_000
    private let began = 1_000_000
    private var random: SeededRandom

    /// By the Hub's window and by group: answered calls.
    private(set) var got: [[Int]] = []
    private(set) var refusals = 0
    private(set) var turnedAway = 0
    /// The longest wait of each group, in milliseconds.
    private(set) var longest: [Int]
    private var spent: [Int] = []
    /// Workers that do nothing any more.
    var dead: Set<Int> = []

    init(
        workers: Int, quota: Int, length: Int, latency: Int = 20, _ groups: [Callers], seed: UInt64
    ) {
        let window = BudgetWindow(SharedWords(count: BudgetWindow.words), at: 0)
        self.window = window
        (self.quota, self.length, self.latency, self.groups) = (quota, length, latency, groups)
        queues = (0..<workers).map { _ in BudgetQueue(window) }
        looks = [Int](repeating: 0, count: workers)
        longest = [Int](repeating: 0, count: groups.count)
        random = SeededRandom(seed)
        for (group, all) in groups.enumerated() {
            for _ in 0..<all.count {
                callers.append(
                    Caller(
                        group: group, worker: Int(random.next() % UInt64(workers)),
                        next: now + Int(random.next() % 50)))
            }
        }
    }

    var waiting: Int { queues.reduce(0) { $0 + $1.count } }

    mutating func run(milliseconds: Int) {
        for _ in 0..<milliseconds {
            now += 1
            for caller in callers.indices where callers[caller].next.map({ $0 <= now }) ?? false { ask(caller) }
            settle()
            for worker in queues.indices where looks[worker] <= now && !dead.contains(worker) { look(worker) }
        }
    }

    private var micro: Int { now * 1000 }

    private mutating func ask(_ caller: Int) {
        let worker = callers[caller].worker
        (callers[caller].next, callers[caller].asked) = (nil, now)
        guard !dead.contains(worker) else { return }
        if let view = window.look(at: micro) { window.noteDemand(view) }
        lastID += 1
        owners[lastID] = caller
        queues[worker].add(
            BudgetQueue.Waiter(id: lastID, share: groups[callers[caller].group].share, due: micro + 20_000_000),
            at: micro)
        looks[worker] = now
    }

    private mutating func look(_ worker: Int) {
        while let decision = queues[worker].next(at: micro) {
            switch decision {
            case .goes(let id, let ticket): if let caller = owners.removeValue(forKey: id) { call(caller, ticket) }
            case .refused(let id):
                turnedAway += 1
                if let caller = owners.removeValue(forKey: id) { finish(caller) }
            }
        }
        looks[worker] = queues[worker].count == 0 ? now + 1_000 : now + max(1, queues[worker].pause(at: micro) / 1000)
    }

    private mutating func call(_ caller: Int, _ ticket: BudgetWindow.Ticket?) {
        let group = callers[caller].group
        longest[group] = max(longest[group], now - callers[caller].asked)
        let number = (now - began) / length
        while got.count <= number {
            got.append([Int](repeating: 0, count: groups.count))
            spent.append(0)
        }
        let isRefused = spent[number] >= quota
        if isRefused {
            refusals += 1
        } else {
            spent[number] += 1
            got[number][group] += 1
        }
        let rest = began + (number + 1) * length - now
        let report = RateLimitReport(
            bucket: .api, left: quota - spent[number], seconds: (rest + 999) / 1000, quota: quota,
            window: length / 1000)
        answers.append(
            Answer(
                caller: caller, at: now + latency / 2 + Int(random.next() % UInt64(latency)),
                status: isRefused ? 429 : 200, report: report, ticket: ticket))
    }

    private mutating func settle() {
        let due = answers.filter { $0.at <= now }
        guard !due.isEmpty else { return }
        answers.removeAll { $0.at <= now }
        for answer in due {
            window.learn(
                answer.report, answer.ticket, isSpent: answer.status == 429, retryAfter: answer.report.seconds,
                at: micro)
            finish(answer.caller)
            looks[callers[answer.caller].worker] = now
        }
    }

    private mutating func finish(_ caller: Int) {
        callers[caller].next = now + groups[callers[caller].group].pause + 1
    }
}
