import EventIO
import Hub

/// A worker's way to the audit: it sends records to the state process, and waits where something must be on the disk first.
@EventLoop
final class Auditor {
    private let client: StateClient
    /// Limits records about clients without a valid key, and of refused requests of others, so that neither can fill the disk.
    private var strangers = RecordBudget(perSecond: 20, atOnce: 200)
    private var known = RecordBudget(perSecond: 200, atOnce: 1000)
    /// Outcomes that the state process refused, to be sent again.
    private var owed: [AuditRecord] = []
    private lazy var again = Timer { [weak self] in self?.sendOwed() }

    /// How long a change waits until it is written down, in milliseconds: longer than the state process takes to restart.
    private static let patience: UInt64 = 3000
    private static let mostOwed = 1000
    private static let retryMilliseconds: UInt64 = 1000

    init(_ client: StateClient) {
        self.client = client
    }

    /// Why an intent is not on the disk.
    enum Loss {
        /// It never will be.
        case refused
        /// It may be later on.
        case late
    }

    /// Sends a record, and calls `then` once, in a later turn of the loop: when it is on the disk, or with why it is not.
    func write(_ record: AuditRecord, _ then: @escaping @EventLoop (Loss?) -> Void) {
        let wait = AuditWait(then)
        client.append(record.stateRecord) { result in
            switch result {
            case .success: wait.end(nil)
            case .failure: wait.end(.refused)
            }
        }
        wait.begin(Self.patience)
    }

    /// Sends a record that is not waited for. An outcome or a login is sent again where it was refused.
    func note(_ record: AuditRecord) {
        client.append(record.stateRecord) { [weak self] result in
            guard case .failure = result, record.kind == .outcome || record.kind == .login else { return }
            self?.owe(record)
        }
    }

    /// Sends the record of a refusal, unless there are too many; the next one says how many were left out.
    func refuse(_ record: AuditRecord, isOfStranger: Bool) {
        let now = MonotonicInstant.now
        guard let leftOut = isOfStranger ? strangers.take(now) : known.take(now) else { return }
        var record = record
        if leftOut > 0 { record.set(.count, leftOut) }
        note(record)
    }

    private func owe(_ record: AuditRecord) {
        guard owed.count < Self.mostOwed else { return }
        if owed.isEmpty { again.start(milliseconds: Self.retryMilliseconds) }
        owed.append(record)
    }

    private func sendOwed() {
        let records = owed
        owed = []
        for record in records { note(record) }
    }
}

/// A wait for the disk that has an end.
@EventLoop
private final class AuditWait {
    private var then: (@EventLoop (Auditor.Loss?) -> Void)?
    private var limit: Timer?

    init(_ then: @escaping @EventLoop (Auditor.Loss?) -> Void) {
        self.then = then
    }

    func begin(_ milliseconds: UInt64) {
        guard then != nil else { return }
        limit = Timer { self.end(.late) }
        limit?.start(milliseconds: milliseconds)
    }

    /// Calls `then` outside of C's callbacks, since it may end the connection.
    func end(_ loss: Auditor.Loss?) {
        guard let then = then.take() else { return }
        EventLoop.post {
            self.limit = nil
            then(loss)
        }
    }
}

/// How many records of a sort may be sent: so many at once, and so many a second after that.
struct RecordBudget {
    private let perSecond: Double
    private let most: Double
    private var left: Double
    private var last: MonotonicInstant?
    private var leftOut = 0

    init(perSecond: Int, atOnce: Int) {
        (self.perSecond, most, left) = (Double(perSecond), Double(atOnce), Double(atOnce))
    }

    /// Takes one; says how many were left out since the last one. Nil: there is none left.
    mutating func take(_ now: MonotonicInstant) -> Int? {
        if let last { left = min(most, left + Double(now.milliseconds(since: last)) * perSecond / 1000) }
        // A time that rounds to nothing is not lost.
        if last.map({ now.milliseconds(since: $0) > 0 }) ?? true { last = now }
        guard left >= 1 else {
            leftOut += 1
            return nil
        }
        left -= 1
        defer { leftOut = 0 }
        return leftOut
    }
}
