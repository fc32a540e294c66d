import EventIO
import HTTP
import Hub

/// What outlives a reload: calls under way, whose turn it is, what is shared or held, what has been counted. Settings and handlers are made anew
/// over it.
@EventLoop
final class GatewayState {
    let pool: TransferPool
    let metrics: Metrics
    let leaks: LeakReporter
    let drainState = DrainState()
    let admission: CallAdmission
    let coalescer: RequestCoalescer
    let accounts: AccountCache.Held
    let hubReached = HubProbe.Reached(for: .seconds(10))
    private(set) var identification: Identification
    private var proxy: UpstreamProxy?
    private var exceptions: NoProxy

    init(
        _ settings: Settings, token: Secret?, limits: CallLimits, pool: TransferPool, metrics: Metrics,
        leaks: LeakReporter
    ) {
        self.pool = pool
        self.metrics = metrics
        self.leaks = leaks
        admission = CallAdmission(
            limits: limits, patience: UInt64(settings.connectTimeout.milliseconds),
            stall: Int(settings.writeTimeout.milliseconds))
        coalescer = RequestCoalescer(isOn: settings.coalesce)
        accounts = AccountCache.Held(for: settings.accountCacheTTL)
        identification = Identification(access: settings.access, own: token.map { .bearer($0) }, tokenNumber: 0)
        (proxy, exceptions) = (settings.upstreamProxy, settings.noProxy)
        pool.use(TransferPool.Proxy(settings))
    }

    /// What is under way goes on as it began.
    func use(_ settings: Settings, token: Secret?, limits: CallLimits) {
        admission.use(
            total: limits.total, patience: UInt64(settings.connectTimeout.milliseconds),
            stall: Int(settings.writeTimeout.milliseconds))
        if (settings.upstreamProxy, settings.noProxy) != (proxy, exceptions) {
            (proxy, exceptions) = (settings.upstreamProxy, settings.noProxy)
            pool.use(TransferPool.Proxy(settings))
        }
        coalescer.isOn = settings.coalesce
        accounts.use(settings.accountCacheTTL)
        let own = token.map { Credential.bearer($0) }
        // What was fetched with another token may be another account's.
        let number = identification.tokenNumber + (own == identification.own ? 0 : 1)
        identification = Identification(access: settings.access, own: own, tokenNumber: number)
    }
}

extension TransferPool.Proxy {
    /// Nil: there is none. The sandbox is in this machine.
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
