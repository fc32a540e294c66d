import EventIO
import HTTP
import Hub

/// Everything that is known of one request besides the request itself; each part that works on the request gets it.
@EventLoop
final class RequestContext {
    let id: RequestID
    /// The client's own address, without a port, also behind trusted proxies (`ClientAddress`).
    let address: String
    /// How the client called the first trusted proxy; nil where no proxy has said it.
    let forwardedOrigin: ForwardedOrigin?
    /// The client; anonymous until it is identified.
    var principal = Principal.anonymous
    /// The response that the key's scope permits.
    var permit: Permit.Response = .relayed
    /// Removes entries from a list that the key may not see.
    var entryFilter: PrivateEntryFilter?
    /// The body, where a decision needed it.
    var body: [UInt8]?
    /// The repository that it deletes, where the gateway does that itself and does not relay it.
    var deletion: RepoDeletion?
    /// Its record for the audit; nil where there is none.
    var audited: AuditedRequest?
    /// Its operation at the Hub; nil where that is not needed.
    var operation: HubOperation?
    /// The rights that it needs, where these are not the operation's own need alone.
    var needs: [HubNeed]?
    /// The rights to make other accounts pay.
    var payers: [HubNeed] = []
    /// Where its key is checked again; nil where it has none (`confirmKey`).
    var keys: KeyStore?
    /// `KeyStore.changes` at the last check, and when the next one is due, in seconds since 1970.
    var keyChanges = 0
    var keyExpires = Int64.max
    /// The key at the last check.
    var watchedKey: KeyIdentity?
    /// The client did not show the key: the URL was signed for it.
    var isByKeyOfURL = false
    /// The connection of a client that is known by its certificate.
    var certified: Exchange?
    /// The key whose use is counted; nil where there are no keys.
    var spender: KeyIdentity?
    /// What it may take from that key's limits; nil where there are none.
    var allowance: (any RequestAllowance)?
    /// Finds the number of tokens in a model's response.
    var usageReader: ModelUsageReader?
    /// The page of a browser that sent it, where trusted origins are set; else nil.
    var crossOrigin: CrossOrigin?
    let started = MonotonicInstant.now
    /// The target below `base_path`.
    var target = Target.root
    /// The route, for the metrics; nil if there was none.
    var route: Route.Name?
    /// The task that answers, if it takes one.
    var task: Task<Void, Never>? {
        didSet { if isCancelled { task?.cancel() } }
    }
    /// What answers it without a task.
    var work: (any CancellableWork)?
    /// Gets the response as well as the client.
    var sink: (any ResponseSink)?
    private(set) var isCancelled = false
    /// Is called at its end.
    var recorder: (any RequestRecorder)?
    /// Ends a wait that is neither a task's nor a transfer's.
    var onCancel: (@EventLoop () -> Void)?
    /// When `request_timeout` ends it, and its index in the list of `RequestTimeLimit`.
    var due: MonotonicInstant?
    var index = 0
    /// `request_timeout` has passed.
    var isOverdue = false
    /// It was ended to make room for other requests.
    private(set) var makesWay = false
    /// An administrator has ended it.
    private(set) var isRevoked = false
    /// Its index in `RequestTracker`'s requests under way.
    var place = 0
    /// Its part in a trace; nil: it is not traced.
    var trace: RequestTrace?
    /// Why the gateway answered instead of the server that was called.
    var failure: Failure?
    /// It got the response to another client's identical request.
    var isShared = false
    /// The cache's part in the response; nil where it had none.
    var cacheStatus: CacheStatus?
    /// It has waited for the call of another worker, and does not do so again.
    var hasAwaitedWorker = false
    /// What it changes at the Hub: reported once the change is certain, before the client learns of it.
    var change: CacheChange?
    /// How long it waited for the Hub's budget.
    var budgetMicroseconds = 0
    /// How long the Hub took, from the call to its last byte.
    var upstreamMicroseconds: Int?
    /// The Hub's own request id, for Hugging Face's support.
    var hubRequestID: String?

    init(id: RequestID, address: String, forwardedOrigin: ForwardedOrigin? = nil) {
        self.id = id
        self.address = address
        self.forwardedOrigin = forwardedOrigin
    }

    /// For work that goes on without the request's client.
    convenience init(outliving context: RequestContext) {
        self.init(id: context.id, address: context.address)
        trace = context.trace
    }

    /// Ends the work: its result is not needed any more.
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

    /// Its call does not go on, and other requests wait for its place.
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

/// Records a request when it has ended.
@EventLoop
protocol RequestRecorder: AnyObject {
    func record(_ exchange: Exchange, _ context: RequestContext, whole: Bool)
}

/// Work that can be cancelled.
@EventLoop
protocol CancellableWork: AnyObject {
    func cancel()
}

/// Counts the requests under way, and knows whether the gateway is stopping.
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
