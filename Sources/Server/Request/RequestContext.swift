import EventIO
import HTTP
import Hub

/// What is known of one request besides the request itself; it goes along with it to every part that works on it.
@EventLoop
final class RequestContext {
    let id: RequestID
    /// The client's own, without a port, where trusted proxies stand between, too (`ClientAddress`).
    let address: String
    /// How the client called the first trusted proxy; nil where none has said it.
    let forwardedOrigin: ForwardedOrigin?
    /// The client; anonymous until it is identified.
    var principal = Principal.anonymous
    /// How it is to be answered, by the key's scope.
    var permit: Permit.Response = .relayed
    /// Leaves out of a list what the key may not see.
    var entryFilter: PrivateEntryFilter?
    /// The body, where a decision needed it.
    var body: [UInt8]?
    /// What it deletes, where the gateway does that itself and does not relay it.
    var deletion: RepoDeletion?
    /// What the audit has to know of it; nil where it has not.
    var audited: AuditedRequest?
    /// What it does at the Hub; nil where that is not needed.
    var operation: HubOperation?
    /// What that takes, where it is not the operation's own need alone.
    var needs: [HubNeed]?
    /// What it takes to have others pay.
    var payers: [HubNeed] = []
    /// Where it is looked what becomes of its key; nil where it has none (`confirmKey`).
    var keys: KeyStore?
    /// `KeyStore.changes` when that was done last, and when it has to be done again, in seconds since 1970.
    var keyChanges = 0
    var keyExpires = Int64.max
    /// The key as it was then.
    var watchedKey: KeyIdentity?
    /// It is not shown: the address was got by it.
    var isByKeyOfURL = false
    /// The connection of a client who is known by its certificate.
    var certified: Exchange?
    /// Whose use of the gateway it is; nil where there are no keys.
    var spender: KeyIdentity?
    /// What the limits of that key let it take; nil where it has none.
    var allowance: (any RequestAllowance)?
    /// Reads from a model's answer what it took.
    var usageReader: ModelUsageReader?
    /// Which page of a browser sent it, as far as that matters; nil where no origin is trusted.
    var crossOrigin: CrossOrigin?
    let started = MonotonicInstant.now
    /// What is asked for, below `base_path`.
    var target = Target.root
    /// What was asked, for the metrics; nil if no endpoint was.
    var route: Route.Name?
    /// The task that answers, if it takes one.
    var task: Task<Void, Never>? {
        didSet { if isCancelled { task?.cancel() } }
    }
    /// What answers it without a task.
    var work: (any CancellableWork)?
    /// Who gets the response besides the client.
    var sink: (any ResponseSink)?
    private(set) var isCancelled = false
    /// Who is told of its end.
    var recorder: (any RequestRecorder)?
    /// Ends a wait that neither task nor transfer stands for.
    var onCancel: (@EventLoop () -> Void)?
    /// When `request_timeout` will have passed, and where in its list `RequestTimeLimit` has it.
    var due: MonotonicInstant?
    var index = 0
    /// That limit has passed.
    var isOverdue = false
    /// It was ended for others.
    private(set) var makesWay = false
    /// An administrator has ended it.
    private(set) var isRevoked = false
    /// Where `RequestTracker` has it among those under way.
    var place = 0
    /// Its part in a trace; nil: it is not traced.
    var trace: RequestTrace?
    /// Why the gateway answered in the place of the one who was asked.
    var failure: Failure?
    /// It was answered with what another was who asked the same at that moment.
    var isShared = false
    /// What part the cache had in it; nil where it had none.
    var cacheStatus: CacheStatus?
    /// It has waited for the call of another worker: it does not do so again.
    var hasAwaitedWorker = false
    /// What is told once it is known that the request has changed something, before its client is.
    var change: CacheChange?
    /// How long it waited for the Hub's budget.
    var budgetMicroseconds = 0
    /// How long the Hub took, from the call to its last byte.
    var upstreamMicroseconds: Int?
    /// What Hugging Face's support asks for.
    var hubRequestID: String?

    init(id: RequestID, address: String, forwardedOrigin: ForwardedOrigin? = nil) {
        self.id = id
        self.address = address
        self.forwardedOrigin = forwardedOrigin
    }

    /// For work on a request that goes on without its client.
    convenience init(outliving context: RequestContext) {
        self.init(id: context.id, address: context.address)
        trace = context.trace
    }

    /// Ends the work on it: its result is not needed any more.
    func cancel() {
        isCancelled = true
        task?.cancel()
        work?.cancel()
        onCancel?()
        onCancel = nil
    }

    /// An administrator ends it.
    func revoke() {
        isRevoked = true
        cancel()
    }

    /// Its call stands still, and others wait for the room that it takes.
    func makeWay() {
        makesWay = true
        cancel()
    }
}

extension RequestContext: ExchangeOwner {
    func clientLeft(_ exchange: Exchange) { cancel() }

    func ended(_ exchange: Exchange, whole: Bool) {
        if !whole, !isCancelled { cancel() }
        recorder.take()?.record(exchange, self, whole: whole)
    }
}

/// Keeps what is known of a request when it has ended.
@EventLoop
protocol RequestRecorder: AnyObject {
    func record(_ exchange: Exchange, _ context: RequestContext, whole: Bool)
}

/// What can be ended before its time.
@EventLoop
protocol CancellableWork: AnyObject {
    func cancel()
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
