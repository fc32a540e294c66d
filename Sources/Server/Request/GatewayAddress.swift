import HTTP

/// The gateway's origin as a client knows it: URLs that the gateway writes begin with it.
enum GatewayAddress {
    /// `public_url` where it is set; else the name by which a trusted proxy was called, or `https` with the request's `Host`. Nil without
    /// either.
    static func origin(of request: Request, forwarded: ForwardedOrigin?, publicURL: UpstreamAddress?) -> String? {
        if let publicURL { return publicURL.origin }
        let host = request.headers["Host"]
        guard let forwarded else { return host.map { "https://\($0)" } }
        let scheme = forwarded.scheme?.lowercased() == "http" ? UpstreamAddress.Scheme.http : .https
        if let authority = forwarded.authority, let origin = judged(scheme, authority) { return origin }
        return host.map { "\(scheme.rawValue)://\($0)" }
    }

    /// Nil for anything but a plain host with or without a port: it goes into addresses that programs follow and people paste.
    private static func judged(_ scheme: UpstreamAddress.Scheme, _ authority: String) -> String? {
        guard !authority.contains("/"),
            let address = try? UpstreamAddress(reading: "\(scheme.rawValue)://\(authority)")
        else { return nil }
        return address.origin
    }
}
