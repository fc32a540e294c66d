import EventIO
import HTTP

/// `hubgate --probe`: asks the gateway on this machine whether it is healthy, for container health checks.
@EventLoop
enum Probe {
    static func run(_ settings: Settings) async -> Bool {
        guard let listen = reachable(settings) else { return false }
        let address = listen.isEvery ? IPAddress("127.0.0.1") : listen.address
        let host = address?.bracketed ?? "127.0.0.1"
        if settings.adminListen == nil, settings.proxyProtocol,
            let number = address.flatMap({ IPNumber($0.text) }), settings.trustedProxies.contains(number)
        {
            Console.error(
                "hubgate: with proxy_protocol and \(host) in trusted_proxies, the gateway takes this probe for a load balancer; "
                    + "give it admin_listen.\n")
            return false
        }
        do {
            let pool = try TransferPool(trust: .unverified)
            defer { pool.close() }
            let request = Request(method: .get, target: try Target("/-/health"))
            let transfer = pool.start(
                request, url: "https://\(host):\(listen.port)/-/health",
                limits: Transfer.Limits(connect: 2_000, firstByte: 2_000, stall: 2_000))
            let head = try await transfer.head()
            try await transfer.done()
            guard head.status != .ok else { return true }
            Console.error(
                "hubgate: what answers at https://\(host):\(listen.port)/-/health says \(head.status.code). Give the probe the same settings "
                    + "as the gateway, such as admin_listen.\n")
            return false
        } catch {
            Console.error(
                "hubgate: no gateway answers at https://\(host):\(listen.port). Start it, or give the probe the same settings.\n"
            )
            return false
        }
    }

    /// An address that this machine certainly reaches, if there is one.
    private static func reachable(_ settings: Settings) -> ListenAddress? {
        settings.adminListen ?? settings.listen.first { $0.isEvery || $0.isLoopback } ?? settings.listen.first
    }
}
