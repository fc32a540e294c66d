import EventIO
import HTTP
import Hub

/// What outlives a reload: calls under way, the order of waiting calls, caches, counts. Settings and handlers are made again
/// over it.
@EventLoop
final class GatewayState {
    let pool: TransferPool
    let metrics: Metrics
    let leaks: LeakReporter
    let drainState = DrainState()
    let admission: CallAdmission
    let broker: RateBroker
    let coalescer: RequestCoalescer
    let epochs: WriteEpochs
    let cache: ResponseCache
    /// Nil where no other worker shares the cache.
    let workerCalls: WorkerCalls?
    /// Nil: no files are kept.
    let files: FileCache?
    let accounts: AccountCache.Held
    let logins: Logins
    /// Nil except with `access = keys`.
    let observer: ScopeObserver?
    /// Nil except with `access = keys`.
    let trash: Trash?
    let agents = AnswerClientProbe.Held(for: .seconds(86_400))
    let hubReached = HubProbe.Reached(for: .seconds(10))
    private let rates: KeyRates?
    /// Nil except with `access = keys`.
    let quotas: KeyQuotas?
    /// Nil where no usage is kept.
    let usage: UsageCounter?
    let admin: AdminState
    /// Nil: no traces are exported.
    let tracer: Tracer?
    /// Nil: requests are not shown.
    let tracker: RequestTracker?
    /// Nil: there is no audit.
    let auditor: Auditor?
    private(set) var identification: Identification
    private var proxy: UpstreamProxy?
    private var exceptions: NoProxy

    init(
        _ settings: Settings, token: Secret?, limits: CallLimits, pool: TransferPool, metrics: Metrics,
        leaks: LeakReporter, keys: KeyStore?, rates: KeyRates? = nil, quotas: KeyQuotas? = nil,
        auditor: Auditor?, logins: LoginReporter,
        epochs: WriteEpochs, budgets: BudgetLedger = BudgetLedger(), shared: SharedMetadata? = nil, worker: Int = 1,
        tracer: Tracer? = nil,
        warn: @escaping (String) -> Void
    ) {
        self.quotas = quotas
        self.tracer = tracer
        usage = settings.usageDays > 0 ? keys.map { UsageCounter($0.client) } : nil
        self.rates = rates
        admin = AdminState(keys: keys)
        tracker = AdminAccess(settings).isServed ? RequestTracker() : nil
        keys?.client.onCancel = { [tracker] in tracker?.cancel($0) }
        self.logins = Logins(pool: pool, keys: keys, reporter: logins)
        self.pool = pool
        self.metrics = metrics
        self.leaks = leaks
        self.auditor = auditor
        admission = CallAdmission(
            limits: limits, patience: UInt64(settings.connectTimeout.milliseconds),
            stall: Int(settings.writeTimeout.milliseconds))
        broker = RateBroker(budgets, patience: settings.budgetWait, keys: keys)
        self.epochs = epochs
        coalescer = RequestCoalescer(isOn: settings.coalesce, epochs: epochs)
        cache = ResponseCache(settings, epochs: epochs, metrics: metrics, others: shared?.responses)
        workerCalls = shared.map { WorkerCalls($0.claims, worker: worker) }
        files = FileCache(
            settings, pool: pool, admission: admission, metrics: metrics, epochs: epochs, warn: warn)
        accounts = AccountCache.Held(for: settings.accountCacheTTL)
        keys?.use(RoleBook(settings.roles), policy: settings.policy)
        observer = keys.map { ScopeObserver($0.client, metrics) }
        trash = keys.map { [drainState] in
            Trash(settings, state: $0.client, metrics: metrics, epochs: epochs, drainState: drainState)
        }
        identification = Identification(settings, token: token, keys: keys, after: nil)
        keys?.use(identification)
        (proxy, exceptions) = (settings.upstreamProxy, settings.noProxy)
        pool.use(TransferPool.Proxy(settings))
        tracer?.use(TransferPool.Proxy(settings))
    }

    /// Counts a request of the key's. Throws where the key is not valid, or its rate is used up.
    func count(_ key: KeyIdentity) throws(Failure) {
        if let fault = key.grant.fault {
            identification.keys?.note(fault: fault, of: key)
            throw .uselessKey(key.name)
        }
        guard key.grant.rate != nil, let rates else { return }
        do throws(Failure) {
            try rates.take(key)
        } catch {
            metrics.add(.keyRateRefusals)
            throw error
        }
    }

    /// Requests under way go on as they began.
    func use(_ settings: Settings, token: Secret?, limits: CallLimits) {
        admission.use(
            total: limits.total, patience: UInt64(settings.connectTimeout.milliseconds),
            stall: Int(settings.writeTimeout.milliseconds))
        if (settings.upstreamProxy, settings.noProxy) != (proxy, exceptions) {
            (proxy, exceptions) = (settings.upstreamProxy, settings.noProxy)
            pool.use(TransferPool.Proxy(settings))
            tracer?.use(TransferPool.Proxy(settings))
        }
        broker.use(patience: settings.budgetWait)
        coalescer.isOn = settings.coalesce
        cache.use(settings)
        files?.use(settings)
        accounts.use(settings.accountCacheTTL)
        logins.use(settings)
        trash?.use(settings)
        identification.keys?.use(RoleBook(settings.roles), policy: settings.policy)
        identification = Identification(settings, token: token, keys: identification.keys, after: identification)
        identification.keys?.use(identification)
    }
}

extension Identification {
    /// Other tokens than those of `old` may be another account's, whose responses must not be mixed with the earlier ones.
    fileprivate convenience init(_ settings: Settings, token: Secret?, keys: KeyStore?, after old: Identification?) {
        let own = token.map { Credential.bearer($0) }
        let credentials = settings.credentials?.tokens.mapValues { Credential.bearer($0) } ?? [:]
        let isSame = old.map { $0.own == own && $0.credentials == credentials } ?? true
        self.init(
            access: settings.access, own: own, credentials: credentials,
            tokenNumber: (old?.tokenNumber ?? 0) + (isSame ? 0 : 1), keys: keys,
            certificates: keys == nil ? nil : ClientCertificates(settings), policy: settings.policy)
    }
}

extension TransferPool.Proxy {
    /// Nil where there is no proxy. The sandbox is on this machine and needs none.
    init?(_ settings: Settings) {
        guard !settings.sandbox, let proxy = settings.upstreamProxy else { return nil }
        let exceptions = settings.noProxy
        self.init(
            host: proxy.host, port: proxy.port,
            authorization: proxy.credentials.map { TransferPool.Authorization(scheme: "Basic", secret: $0) }
        ) { host, port, isTLS in
            proxy.serves(host, port: port, isTLS: isTLS, but: exceptions)
        }
    }
}
