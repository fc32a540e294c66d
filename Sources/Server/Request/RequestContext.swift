import EventIO
import HTTP
import Hub

/// What is known of one request besides the request itself; it goes along with it to every part that works on it.
@EventLoop
final class RequestContext {
    let id: RequestID
    var caller: Caller
    let started = MonotonicInstant.now
    /// What is asked for, below `base_path`.
    var target = Target.root
    /// What was asked, for the metrics; nil if no endpoint was.
    var route: Route.Name?
    /// The task that answers, if it takes one.
    var task: Task<Void, Never>? {
        didSet { if isCancelled { task?.cancel() } }
    }
    /// The call that is relayed to answer it.
    var transfer: Transfer? {
        didSet { if isCancelled { transfer?.cancel() } }
    }
    private(set) var isCancelled = false
    /// Ends a wait that neither task nor transfer stands for.
    var onCancel: (@EventLoop () -> Void)?
    /// When `request_timeout` will have passed, and where `RequestTimeLimit` has noted that.
    var due: MonotonicInstant?
    var place = 0
    /// That limit has passed.
    var isOverdue = false
    /// It was ended for others.
    private(set) var makesWay = false
    /// Why the gateway answered in the place of the one who was asked.
    var failure: Failure?
    /// It was answered with what another was who asked the same at that moment.
    var isShared = false
    /// How long the Hub took, from the call to its last byte.
    var upstreamMicroseconds: Int?
    /// What Hugging Face's support asks for.
    var hubRequestID: String?

    init(id: RequestID, caller: Caller) {
        self.id = id
        self.caller = caller
    }

    /// Ends the work on it: nobody waits for its result any more.
    func cancel() {
        isCancelled = true
        task?.cancel()
        transfer?.cancel()
        onCancel?()
        onCancel = nil
    }

    /// Its call stands still, and others wait for the room that it takes.
    func makeWay() {
        makesWay = true
        cancel()
    }
}

/// Counts the requests in flight, and knows whether the gateway is leaving.
@EventLoop
final class DrainState {
    private(set) var isDraining = false
    private(set) var inFlight = 0

    func began() {
        inFlight += 1
    }

    func ended() {
        inFlight -= 1
    }

    func beginDrain() {
        isDraining = true
    }
}

/// The program's version; CHANGELOG.md says what is in it.
enum Version {
    static let number = "0.1.0"
}
