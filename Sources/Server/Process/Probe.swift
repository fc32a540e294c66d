import EventIO
import HTTP

/// `hubgate --probe`: asks the gateway on this machine whether it is healthy, for container health checks.
@EventLoop
enum Probe {
    static func run(_ settings: Settings) async -> Bool {
        let listen = settings.adminListen ?? settings.listen
        let host = listen.isEvery ? "127.0.0.1" : listen.address?.bracketed ?? "127.0.0.1"
        do {
            let pool = try TransferPool(trust: .anybody)
            defer { pool.close() }
            let request = Request(method: .get, target: try Target("/-/health"))
            let transfer = pool.start(
                request, url: "https://\(host):\(listen.port)/-/health",
                limits: Transfer.Limits(connect: 2_000, firstByte: 2_000, stall: 2_000))
            let head = try await transfer.head()
            try await transfer.done()
            return head.status == .ok
        } catch {
            Console.error(
                "hubgate: no gateway answers at https://\(host):\(listen.port). Start it, or give the probe the same settings.\n"
            )
            return false
        }
    }
}
