internal import Hub

/// Which fields go through a gateway and which stay on their side (RFC 9110 section 7.6.1).
enum EndToEndHeaders {
    /// Of a connection, or of the framing that each side makes anew.
    private static let hopByHop = [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Content-Length",
    ]

    /// What a client says of itself or of others that the Hub must not hear from us: credentials are added by the access mode,
    /// cookies belong to browsers, and who stands before us is not for the client to say.
    private static let notUpstream =
        hopByHop + ["Host", "Expect", "Authorization", "Cookie", "Forwarded", "Via", "X-Real-IP"]

    /// What speaks of the Hub's own origin and would be taken for ours.
    private static let notDownstream = hopByHop + ["Set-Cookie", "Alt-Svc", "Strict-Transport-Security"]

    static func upstream(_ headers: Headers) -> Headers {
        filtered(headers, without: notUpstream) { headers.isField(at: $0, prefixed: "X-Forwarded-") }
    }

    static func downstream(_ headers: Headers) -> Headers {
        filtered(headers, without: notDownstream) { _ in false }
    }

    private static func filtered(_ headers: Headers, without names: [String], or isUnwanted: (Int) -> Bool) -> Headers {
        let unwanted = headers.contains("Connection") ? names + headers.tokens(of: "Connection") : names
        var kept = headers
        kept.removeFields { index in
            unwanted.contains { headers.isField(at: index, named: $0) } || isUnwanted(index)
        }
        return kept
    }
}
