import HTTP

/// The gateway's origin as a client knows it: what the gateway writes leads there.
enum GatewayAddress {
    /// `public_url` where it is set; else what a trusted proxy says of how it was called, and `https` with the request's `Host`. Nil where no one
    /// has said a name.
    static func origin(of request: Request, forwarded: ForwardedOrigin?, publicURL: UpstreamAddress?) -> String? {
        if let publicURL { return publicURL.origin }
        let host = request.headers["Host"]
        guard let forwarded else { return host.map { "https://\($0)" } }
        let scheme = forwarded.scheme?.lowercased() == "http" ? UpstreamAddress.Scheme.http : .https
        if let authority = forwarded.authority, let origin = judged(scheme, authority) { return origin }
        return host.map { "\(scheme.rawValue)://\($0)" }
    }

    /// Nil for what is no plain host with or without a port: it goes into addresses that programs follow and people paste.
    private static func judged(_ scheme: UpstreamAddress.Scheme, _ authority: String) -> String? {
        guard !authority.contains("/"),
            let address = try? UpstreamAddress(reading: "\(scheme.rawValue)://\(authority)")
        else { return nil }
        return address.origin
    }
}
