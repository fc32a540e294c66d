import EventIO
import HTTP
import Hub

/// Which handler answers which endpoint.
@EventLoop
struct Handlers {
    /// In the order of `Route.Name`.
    private let all: [any Handler]

    init(settings: Settings, upstreams: Upstreams, drainState: DrainState, metrics: Metrics) {
        let upstream = upstreams.hub
        let hub = HubClient(upstream: upstream)
        let account = AccountCache(hub: hub, for: settings.accountCacheTTL)
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
                Passthrough(
                    upstream: upstream, coalescer: settings.coalesce ? RequestCoalescer(access: settings.access) : nil)
            case .content: RelaySignedURL(upstream: upstream)
            case .inference: Inference(router: upstreams.inference)
            case .ready: GetReady(hubProbe: probe, drainState: drainState)
            case .metrics: GetMetrics(metrics: metrics)
            }
        }
    }

    subscript(_ name: Route.Name) -> any Handler { all[name.rawValue] }
}
