import EventIO
import HTTP

/// The first lines of the log: where the gateway listens, with which access, and what to try.
enum StartupBanner {
    static func lines(
        _ settings: Settings, ports: [UInt16], adminPort: UInt16?, sandbox: SandboxSite?, workers: Int = 1
    ) -> [String] {
        let addresses = zip(settings.listen, ports).map { ListenAddress(address: $0.address, port: $1) }
        let origin = addresses.first.map { Self.origin($0, $0.port) } ?? ""
        let authority = settings.exampleAuthority ?? "YOUR_CA.pem"
        return [
            settings.sandbox
                ? "SANDBOX: the Hub behind this gateway is a small one in its memory; nothing reaches huggingface.co."
                : settings.upstream.isOff
                    ? "No Hub is asked (upstream = off): what cache_dir has is served, with access = \(settings.access.rawValue)."
                    : "Relaying to \(settings.upstream) with access = \(settings.access.rawValue).",
            settings.sandbox
                ? nil
                : settings.upstreamProxy.map { proxy in
                    let exceptions =
                        settings.noProxy.texts.isEmpty
                        ? "" : ", but for \(settings.noProxy.texts.joined(separator: ","))"
                    return "Calls go through the proxy \(proxy)\(exceptions)."
                },
            sandbox.map { "The sandbox's Hub: \($0.hub). Its CDN: \($0.cdn). Its CAS: \($0.cas)." },
            settings.tokenNotice,
            settings.adminListen.flatMap { address in
                adminPort.map { "Serving /-/health, /-/ready and /-/metrics on \(Self.origin(address, $0)) alone." }
            },
            workers > 1 ? "Serving with \(workers) workers." : nil,
            addresses.count > 1
                ? "Listening on \(addresses.map(\.description).joined(separator: ", ")), with one certificate." : nil,
            settings.publicURL.map { "Clients reach it by \($0.origin)\(settings.basePath)." },
            "Listening on \(origin). Try: curl --cacert \(authority) \(origin)\(settings.basePath)/",
        ].compactMap(\.self)
    }

    /// For the service manager's status: `port 8080`.
    static func ports(_ ports: [UInt16]) -> String {
        var different: [UInt16] = []
        for port in ports where !different.contains(port) { different.append(port) }
        let list = different.map(String.init).joined(separator: ", ")
        return different.count > 1 ? "ports \(list)" : "port \(list)"
    }

    private static func origin(_ address: ListenAddress, _ port: UInt16) -> String {
        let isNear = address.isEvery || address.isLoopback
        let host = isNear ? "localhost" : address.address?.bracketed ?? "localhost"
        return "https://\(host):\(port)"
    }
}
