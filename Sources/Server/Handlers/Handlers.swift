/// Which handler answers which endpoint.
@EventLoop
enum Handlers {
    static func all(settings: Settings, upstream: Upstream, lifecycle: Lifecycle) -> [Route.Name: any Handler] {
        let hub = HubClient(upstream: upstream)
        let account = AccountHold(hub: hub, for: settings.accountHold)
        let probe = HubProbe(upstream: upstream, account: account)
        let bodyLimit = settings.bodyLimit.bytes
        return [
            .home: GetHome(settings: settings, hubProbe: probe),
            .account: GetAccount(account: account),
            .createRepo: CreateRepo(hub: hub, bodyLimit: bodyLimit),
            .updateRepo: UpdateRepo(hub: hub, bodyLimit: bodyLimit),
            .deleteRepo: DeleteRepo(hub: hub, bodyLimit: bodyLimit),
            .health: GetHealth(),
            .relay: Passthrough(upstream: upstream),
            .ready: GetReady(hubProbe: probe, lifecycle: lifecycle),
        ]
    }
}
