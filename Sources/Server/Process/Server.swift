import EventIO
import HTTP
import Hub

/// A running gateway: its listener, its pool of upstream connections, and the gateway between them.
@EventLoop
final class Server {
    /// The ports of `listen`, in its order.
    let ports: [UInt16]
    /// The port of `admin_listen`, if it is set.
    let adminPort: UInt16?
    let pipeline: RequestPipeline
    let state: GatewayState
    let metrics: Metrics
    let listener: Listener
    let admin: Listener?
    /// One of the workers has it.
    private let trashKeeper: TrashKeeper?
    private let pullKeeper: PullKeeper?
    let pool: TransferPool
    /// Without its token, which lives no longer than the handlers that use it.
    private let origin: HubOrigin

    /// Starts serving, as `worker` beside others of its parent. `warn` gets lines for the log.
    /// Throws when the certificate is not valid, or the address cannot be listened on.
    init(
        _ settings: Settings, origin: HubOrigin, log: AccessLog, as worker: Worker? = nil, keys: KeyStore? = nil,
        auditor: Auditor? = nil, logins: LoginReporter? = nil,
        warn: @escaping (String) -> Void = { _ in }
    ) throws(CError) {
        let metrics = worker.map { Metrics($0.slots, worker: $0.number) } ?? Metrics()
        self.metrics = metrics
        let tls =
            if let worker { worker.tls } else {
                try TLSContext.make(settings)
            }
        let pool = try TransferPool(
            trust: origin.trust, dnsServer: settings.nameServer?.description, connections: settings.upstreamConnections)
        let leaks = LeakReporter(metrics: metrics, warn: warn)
        let quotas = worker.flatMap { worker in
            keys.flatMap { keys in
                worker.quotas.map { KeyQuotas($0, worker: worker.number, client: keys.client) }
            }
        }
        let tracer = Tracer(settings, metrics: metrics, warn: worker?.speaksForAll == false ? { _ in } : warn)
        let state = GatewayState(
            settings, token: origin.token, limits: CallLimits(settings), pool: pool, metrics: metrics, leaks: leaks,
            keys: keys, rates: worker?.rates, quotas: quotas, auditor: auditor,
            logins: logins ?? LoginReporter(warn: warn),
            epochs: worker?.epochs ?? WriteEpochs(), budgets: worker?.budgets ?? BudgetLedger(),
            shared: worker?.metadata, worker: worker?.number ?? 1, tracer: tracer, warn: warn)
        let upstreams = Upstreams(
            settings, origin: origin, pool: pool, admission: state.admission, broker: state.broker, leaks: leaks,
            files: state.files)
        let pipeline = RequestPipeline(settings, upstreams: upstreams, state: state, log: log)
        self.pool = pool
        self.state = state
        self.pipeline = pipeline
        self.origin = origin.with(token: nil)
        trashKeeper =
            worker?.speaksForAll == true ? state.trash.map { TrashKeeper(pipeline, $0, warn: warn) } : nil
        pullKeeper = worker?.speaksForAll ?? true ? PullKeeper(pipeline, warn: warn) : nil
        do throws(CError) {
            (listener, ports) = try Self.clientListener(settings, worker: worker, tls: tls, pipeline: pipeline)
        } catch {
            pool.close()
            throw error
        }
        do throws(CError) {
            let opened = try Self.adminListener(settings, worker: worker, tls: tls, pipeline: pipeline)
            (admin, adminPort) = (opened?.listener, opened?.ports.first)
        } catch {
            listener.close()
            pool.close()
            throw error
        }
        connectMetrics(log)
    }

    private static func clientListener(
        _ settings: Settings, worker: Worker?, tls: TLSContext, pipeline: RequestPipeline
    ) throws(CError) -> (listener: Listener, ports: [UInt16]) {
        let role = settings.adminListen == nil ? ListenerRole.only : .clients
        return try Listener.opened(
            at: settings.listen.map(Listener.Address.init), sockets: worker?.sockets, tls: tls,
            limits: Listener.Limits(settings), proxies: Listener.Proxies(settings)
        ) {
            pipeline.serve($0, at: role)
        }
    }

    /// Nil without `admin_listen`.
    private static func adminListener(
        _ settings: Settings, worker: Worker?, tls: TLSContext, pipeline: RequestPipeline
    ) throws(CError) -> (listener: Listener, ports: [UInt16])? {
        guard let address = settings.adminListen else { return nil }
        return try Listener.opened(
            at: [Listener.Address(address)], sockets: worker?.adminSocket.map { [$0] }, tls: tls,
            limits: Listener.Limits(settings).forAdmin
        ) {
            pipeline.serve($0, at: .admin)
        }
    }

    private func connectMetrics(_ log: AccessLog) {
        pool.onEnd = { [metrics] in metrics.note($0) }
        metrics.sources = MetricSources(
            listeners: [listener] + (admin.map { [$0] } ?? []), pool: pool, admission: state.admission,
            broker: state.broker, drainState: state.drainState, log: log, quotas: state.quotas)
    }

    /// Serves on with other settings, as far as a reload can change them. `tls` is for new connections.
    func use(_ settings: Settings, token: Secret?, tls: TLSContext) {
        let limits = Listener.Limits(settings)
        state.use(settings, token: token, limits: CallLimits(settings))
        listener.use(tls)
        listener.use(limits)
        listener.use(Listener.Proxies(settings))
        admin?.use(tls)
        admin?.use(limits.forAdmin)
        pipeline.use(
            settings,
            upstreams: Upstreams(
                settings, origin: origin.with(token: token), pool: pool, admission: state.admission,
                broker: state.broker, leaks: state.leaks, files: state.files))
    }

    /// Closes everything at once. No call to the Hub may be under way.
    func close() {
        metrics.sources = nil
        listener.close()
        admin?.close()
        pool.close()
        state.files?.peers.close()
        state.files?.close()
        state.tracer?.close()
    }

    var connectionCount: Int { listener.connectionCount }

    /// The first port of `listen`.
    var port: UInt16 { ports.first ?? 0 }
}

extension Listener.Address {
    init(_ address: ListenAddress) {
        self.init(host: address.host, port: address.port)
    }
}

extension Listener.Proxies {
    init(_ settings: Settings) {
        self.init(settings.trustedProxies, sendHeaders: settings.proxyProtocol)
    }
}

extension CallLimits {
    init(_ settings: Settings) {
        self.init(
            working: settings.upstreamConnections,
            total: DescriptorLimit.calls(settings, of: DescriptorLimit.current),
            waiting: settings.upstreamQueue)
    }
}

extension Listener.Limits {
    init(_ settings: Settings) {
        self.init(
            headBytes: UInt32(clamping: settings.headLimit.bytes),
            targetBytes: UInt32(clamping: settings.targetLimit.bytes),
            fields: UInt32(clamping: settings.fieldLimit),
            connections: UInt32(clamping: DescriptorLimit.clients(settings, of: DescriptorLimit.current)),
            connectionsPerAddress: UInt32(clamping: settings.maxConnectionsPerAddress),
            requests: UInt32(clamping: settings.maxRequestsPerConnection),
            bufferedBytes: settings.bufferedLimit.bytes, handshake: settings.handshakeTimeout.milliseconds,
            head: settings.headTimeout.milliseconds,
            bodyStall: settings.bodyTimeout.milliseconds, writeStall: settings.writeTimeout.milliseconds,
            writePause: settings.idleDownloadTimeout.milliseconds, idle: settings.idleTimeout.milliseconds)
    }

    /// For the listener of `/-/`: few connections, which those of clients cannot take away.
    fileprivate var forAdmin: Self {
        var limits = self
        limits.connections = 64
        limits.connectionsPerAddress = 0
        return limits
    }
}
