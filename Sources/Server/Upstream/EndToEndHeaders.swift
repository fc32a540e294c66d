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
    private static let notUpstream = CaselessWords(
        hopByHop + ["Host", "Expect", "Authorization", "Cookie", "Forwarded", "Via", "X-Real-IP"],
        prefixes: ["X-Forwarded-"])

    /// What speaks of the Hub's own origin and would be taken for ours.
    private static let notDownstream = CaselessWords(hopByHop + ["Set-Cookie", "Alt-Svc", "Strict-Transport-Security"])

    /// What Connection mostly says; it names no field.
    private static let persistence = CaselessWords(["keep-alive", "close"])

    static func upstream(_ headers: Headers) -> Headers {
        filtered(headers, without: notUpstream)
    }

    static func downstream(_ headers: Headers) -> Headers {
        filtered(headers, without: notDownstream)
    }

    private static func filtered(_ headers: Headers, without names: CaselessWords) -> Headers {
        var kept = headers
        kept.removeAll(names)
        guard !headers.isEvery("Connection", among: persistence) else { return kept }
        kept.removeAll(listedIn: "Connection", of: headers)
        return kept
    }
}
