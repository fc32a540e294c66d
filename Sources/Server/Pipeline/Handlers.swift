import EventIO
import HTTP
import Hub

/// Which handler answers which endpoint.
@EventLoop
struct Handlers {
    let hub: Upstream
    let removal: RepoRemoval
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
        let loginBounds = BodyBounds(
            bytes: OAuthParameters.longest, milliseconds: UInt64(settings.bodyTimeout.milliseconds))
        let device = DeviceLogin(settings, logins: state.logins)
        let removal = RepoRemoval(hub: hub, account: account, trash: state.trash)
        self.removal = removal
        let repos = RepoServices(
            hub: hub, account: account, bodyBounds: bodyBounds, protection: Protection(settings.protect),
            identification: state.identification, observer: state.observer,
            idempotency: state.identification.keys.map {
                IdempotencyKeys(state: $0.client, drainState: state.drainState)
            }, removal: removal)
        let admin = AdminServices(
            access: AdminAccess(settings), settings: settings, state: state.admin, identification: state.identification,
            roles: RoleBook(settings.roles), tracker: state.tracker, metrics: state.metrics,
            drainState: state.drainState, hubProbe: probe,
            resources: AdminResources(broker: state.broker, epochs: state.epochs, files: state.files),
            bodyBounds: BodyBounds(
                bytes: AdminServices.longestBody, milliseconds: UInt64(settings.bodyTimeout.milliseconds)))
        all = Route.Name.allCases.map { name in
            switch name {
            case .home: GetHome(settings: settings, hubProbe: probe, hasConsole: admin.access.isServed)
            case .account: GetAccount(account: account)
            case .createRepo: CreateRepo(services: repos)
            case .updateRepo: UpdateRepo(services: repos)
            case .deleteRepo: DeleteRepo(services: repos)
            case .health: GetHealth()
            case .ready: GetReady(hubProbe: probe, drainState: state.drainState)
            case .metrics: GetMetrics(metrics: state.metrics)
            case .relay: RelayToHub(hub: upstreams.hub)
            case .content:
                RelaySignedURL(
                    upstream: upstreams.hub, identification: state.identification, quotas: state.quotas)
            case .token:
                PostToken(
                    logins: state.logins, exchange: TokenExchange(logins: state.logins, rules: settings.logins),
                    device: device, bodyBounds: loginBounds)
            case .device: PostDevice(logins: state.logins, device: device, bodyBounds: loginBounds)
            case .loginPage, .loginForm:
                LoginPage(
                    logins: state.logins, device: device, identification: state.identification,
                    roles: RoleBook(settings.roles), bodyBounds: loginBounds)
            case .admin: AdminHandler(services: admin)
            case .console: ConsolePage(access: admin.access)
            case .documents: APIDocuments(access: admin.access)
            case .peer: AnswerPeer(upstream: upstreams.hub, drainState: state.drainState)
            case .inference: RelayToInferenceRouter(router: upstreams.inference)
            case .clientProbe: AnswerClientProbe(hub: hub, agents: state.agents)
            }
        }
    }

    subscript(_ name: Route.Name) -> any Handler { all[name.rawValue] }
}
