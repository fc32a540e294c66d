internal import Hub

/// Which fields go through a gateway and which stay on their side (RFC 9110 section 7.6.1).
enum EndToEndHeaders {
    /// Of a connection, or of the framing that each side makes anew.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length",
    ]

    /// What a client says of itself or of others that the Hub must not hear from us: credentials are added by the access mode,
    /// cookies belong to browsers, and who stands before us is not for the client to say.
    private static let neverUpstream: Set<String> = [
        "host", "expect", "authorization", "cookie", "forwarded", "via", "x-real-ip",
    ]

    /// What speaks of the Hub's own origin and would be taken for ours.
    private static let neverDownstream: Set<String> = ["set-cookie", "alt-svc", "strict-transport-security"]

    static func upstream(_ headers: Headers) -> Headers {
        filtered(headers, without: neverUpstream) { $0.hasPrefix("x-forwarded-") }
    }

    static func downstream(_ headers: Headers) -> Headers {
        filtered(headers, without: neverDownstream) { _ in false }
    }

    private static func filtered(
        _ headers: Headers, without names: Set<String>, or isUnwanted: (String) -> Bool
    ) -> Headers {
        let named = Set(headers.tokens(of: "Connection"))
        var kept = headers
        kept.removeAll { name, _ in
            let name = name.lowercased()
            return hopByHop.contains(name) || names.contains(name) || named.contains(name) || isUnwanted(name)
        }
        return kept
    }
}
