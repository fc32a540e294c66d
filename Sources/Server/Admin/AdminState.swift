import EventIO
import HTTP
import Hub

/// What the admin API shares over reloads: the sessions that this worker knows, failed sign-ins, and access to the control of the process.
@EventLoop
final class AdminState {
    /// Control of the process; the service provides it.
    struct Control {
        let reload: @EventLoop () -> Void
        let drain: @EventLoop () -> Void
        /// Counted from 1; 0 for a process without workers.
        let worker: Int
        let workers: Int
    }

    private struct Known {
        let publicID: Int64
        let name: String
        let until: MonotonicInstant
    }

    /// Sign-ins with a key that is not valid.
    let failures = FailureLimit(most: 10, milliseconds: 600_000)
    let keys: KeyStore?
    var control: Control?
    /// Streams of figures, which are bounded.
    var streams = 0
    private var sessions: [String: Known] = [:]

    /// How long a checked session is trusted, in milliseconds. Then the state process is asked again: the grace of a rotated secret may be over.
    private static let trust: UInt64 = 10_000
    private static let mostSessions = 256
    /// In milliseconds: longer than the state process takes to restart.
    private static let patience: UInt64 = 5000
    static let mostStreams = 32

    init(keys: KeyStore?) {
        self.keys = keys
        keys?.onChange = { [weak self] in self?.sessions = [:] }
    }

    /// Asks the state process. Throws where it cannot be asked or has not answered.
    func ask(_ order: AdminOrder) async throws(Failure) -> AdminAnswer {
        guard let keys else { throw .stateSilent }
        guard let record = order.record else { throw .badRequest("This is more than can be kept of a key.") }
        let answer = await withCheckedContinuation { (continuation: CheckedContinuation<Waited, Never>) in
            let wait = AnswerWait(continuation)
            keys.client.ask(record) { result in
                wait.end((try? result.get()).flatMap { AdminAnswer($0) }.map { .answered($0) } ?? .refused)
            }
            wait.begin(Self.patience)
        }
        switch answer {
        case .answered(let answer) where answer.outcome != .unavailable: return answer
        // An order that was lost on its way may have been carried out.
        case .late where !order.act.isRead, .refused where !order.act.isRead: throw .stateLate
        case .answered, .refused, .late: throw .stateSilent
        }
    }

    /// The caller whose session has this token; nil: no session.
    func caller(session token: String, _ context: RequestContext) async throws(Failure) -> AdminCaller? {
        guard let keys, token.utf8.count <= AdminSession.longest else { return nil }
        if let known = sessions[token], known.until > .now {
            // A session ends when its key is revoked or expires.
            guard keys.identity(known.publicID) != nil else { return nil }
            return AdminCaller(name: known.name, proof: .session(token), publicID: known.publicID, session: token)
        }
        let answer = try await ask(
            AdminOrder(proof: .session(token), address: context.address, act: .who, arguments: [:]))
        guard answer.outcome == .done, let json = try? JSON.parse(answer.body, within: AdminOrder.limits),
            let name = json["name"]?.stringValue, let publicID = json["public_id"]?.integerValue
        else { return nil }
        if sessions.count >= Self.mostSessions { sessions = [:] }
        sessions[token] = Known(
            publicID: publicID, name: name, until: MonotonicInstant.now.advanced(milliseconds: Self.trust))
        return AdminCaller(name: name, proof: .session(token), publicID: publicID, session: token)
    }

    func forget(_ token: String) { sessions[token] = nil }
}

private enum Waited: Sendable {
    case answered(AdminAnswer)
    case refused
    case late
}

/// A wait for an answer that has an end.
@EventLoop
private final class AnswerWait {
    private var continuation: CheckedContinuation<Waited, Never>?
    private var limit: Timer?

    init(_ continuation: CheckedContinuation<Waited, Never>) {
        self.continuation = continuation
    }

    func begin(_ milliseconds: UInt64) {
        guard continuation != nil else { return }
        limit = Timer { self.end(.late) }
        limit?.start(milliseconds: milliseconds)
    }

    func end(_ waited: Waited) {
        continuation.take()?.resume(returning: waited)
        // Not within the timer's own call.
        EventLoop.post { self.limit = nil }
    }
}
