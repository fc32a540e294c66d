/// Which handler answers which endpoint.
@EventLoop
enum Handlers {
    static func all(
        settings: Settings, upstream: Upstream, lifecycle: Lifecycle, metrics: Metrics
    ) -> [Route.Name: any Handler] {
        let hub = HubClient(upstream: upstream)
        let account = AccountHold(hub: hub, for: settings.accountHold)
        let probe = HubProbe(upstream: upstream, account: account)
        let bodyBounds = BodyBounds(
            bytes: settings.bodyLimit.bytes, milliseconds: UInt64(settings.bodyTimeout.milliseconds))
        return [
            .home: GetHome(settings: settings, hubProbe: probe),
            .account: GetAccount(account: account),
            .createRepo: CreateRepo(hub: hub, bodyBounds: bodyBounds),
            .updateRepo: UpdateRepo(hub: hub, bodyBounds: bodyBounds),
            .deleteRepo: DeleteRepo(hub: hub, bodyBounds: bodyBounds),
            .health: GetHealth(),
            .relay: Passthrough(upstream: upstream),
            .content: SealedContent(upstream: upstream),
            .ready: GetReady(hubProbe: probe, lifecycle: lifecycle),
            .metrics: GetMetrics(metrics: metrics),
        ]
    }
}
