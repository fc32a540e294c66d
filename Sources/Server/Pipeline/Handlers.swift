import EventIO
import HTTP
import Hub

/// Which handler answers which endpoint.
@EventLoop
struct Handlers {
    let hub: Upstream
    /// In the order of `Route.Name`.
    private let all: [any Handler]

    init(_ settings: Settings, upstreams: Upstreams, state: GatewayState) {
        self.hub = upstreams.hub
        let hub = HubClient(upstream: upstreams.hub)
        let account = AccountCache(hub: hub, held: state.accounts)
        let probe = HubProbe(
            upstream: upstreams.hub, gateway: state.identification, account: account, reached: state.hubReached)
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
            case .ready: GetReady(hubProbe: probe, drainState: state.drainState)
            case .metrics: GetMetrics(metrics: state.metrics)
            case .relay: RelayToHub(hub: upstreams.hub)
            case .content: RelaySignedURL(upstream: upstreams.hub, identification: state.identification)
            case .inference: RelayToInferenceRouter(router: upstreams.inference)
            }
        }
    }

    subscript(_ name: Route.Name) -> any Handler { all[name.rawValue] }
}
