import EventIO
import HTTP

/// The first lines of the log: where the gateway listens, for whom it speaks, and what to try.
enum StartupBanner {
    static func lines(
        _ settings: Settings, port: UInt16, adminPort: UInt16?, sandbox: SandboxSite?, workers: Int = 1
    ) -> [String] {
        let origin = origin(settings.listen, port)
        let authority = settings.exampleAuthority ?? "YOUR_CA.pem"
        return [
            settings.sandbox
                ? "SANDBOX: the Hub behind this gateway is a small one in its memory; nothing reaches huggingface.co."
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
            settings.sandbox || settings.access == .passthrough || settings.token != nil || settings.credentials != nil
                ? nil
                : "No Hub token is set: set HF_ACCESS_TOKEN, HF_TOKEN or token_file. Until then calls answer 503.",
            settings.adminListen.flatMap { address in
                adminPort.map { "Serving /-/health, /-/ready and /-/metrics on \(Self.origin(address, $0)) alone." }
            },
            workers > 1 ? "Serving with \(workers) workers." : nil,
            "Listening on \(origin). Try: curl --cacert \(authority) \(origin)\(settings.basePath)/",
        ].compactMap(\.self)
    }

    private static func origin(_ address: ListenAddress, _ port: UInt16) -> String {
        let isNear = address.isEvery || address.isLoopback
        let host = isNear ? "localhost" : address.address?.bracketed ?? "localhost"
        return "https://\(host):\(port)"
    }
}
