/// Which handler answers which endpoint.
@EventLoop
struct Handlers {
    /// In the order of `Route.Name`.
    private let all: [any Handler]

    init(settings: Settings, upstreams: Upstreams, lifecycle: Lifecycle, metrics: Metrics) {
        let upstream = upstreams.hub
        let hub = HubClient(upstream: upstream)
        let account = AccountHold(hub: hub, for: settings.accountHold)
        let probe = HubProbe(upstream: upstream, account: account)
        let bodyBounds = BodyBounds(
            bytes: settings.bodyLimit.bytes, milliseconds: UInt64(settings.bodyTimeout.milliseconds))
        all = Route.Name.allCases.map { name in
            switch name {
            case .home: GetHome(settings: settings, hubProbe: probe)
            case .account: GetAccount(account: account)
            case .createRepo: CreateRepo(hub: hub, bodyBounds: bodyBounds)
            case .updateRepo: UpdateRepo(hub: hub, bodyBounds: bodyBounds)
            case .deleteRepo: DeleteRepo(hub: hub, bodyBounds: bodyBounds)
            case .health: GetHealth()
            case .relay:
                Passthrough(upstream: upstream, flights: settings.coalesce ? Flights(access: settings.access) : nil)
            case .content: SealedContent(upstream: upstream)
            case .inference: Inference(router: upstreams.inference)
            case .ready: GetReady(hubProbe: probe, lifecycle: lifecycle)
            case .metrics: GetMetrics(metrics: metrics)
            }
        }
    }

    subscript(_ name: Route.Name) -> any Handler { all[name.rawValue] }
}
