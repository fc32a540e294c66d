import EventIO
import HTTP
import Hub

/// Which fields an intermediary forwards, and which belong to one connection (RFC 9110 section 7.6.1).
enum EndToEndHeaders {
    /// Fields of a connection, or of the message framing, which each side has its own.
    private static let hopByHop = [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Content-Length",
    ]

    /// By these, servers that trust a proxy learn which client a request is from: a client must not set them.
    private static let ofAProxy = [
        "Forwarded", "Via", "X-Forwarded", "X-Forward-For", "X-Real-IP", "True-Client-IP", "Client-IP", "X-Client-IP",
        "X-Cluster-Client-IP", "X-Remote-IP", "X-Remote-Addr", "X-Originating-IP", "X-ProxyUser-IP", "Fastly-Client",
        "Fastly-Client-IP", "Fastly-SSL", "Front-End-Https", "X-Scheme", "X-URL-Scheme", "X-Host", "Proxy",
        "X-SSL-Client-Cert", "X-Client-Cert", "Client-Cert", "Client-Cert-Chain", "X-Remote-User", "Remote-User",
    ]
    /// By these, some servers act on another method or path than the request's own, which were judged here.
    private static let inPlaceOfTheRequest = [
        "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Rewrite-URL", "X-Rewrite-URI", "X-Real-URL",
        "X-Proxy-URL", "X-HTTP-Host-Override", "X-HTTP-DestinationURL",
    ]

    /// Fields for the gateway itself.
    private static let ofTheGateway = ["X-Hubgate-Confirm"]

    /// Fields of a client that the Hub must not get from us: credentials are added by the access mode,
    /// cookies belong to browsers.
    private static let notUpstream = CaselessWords(
        hopByHop + ofAProxy + inPlaceOfTheRequest + ofTheGateway + [
            "Host", "Expect", "Authorization", "Cookie", "Cookie2",
        ],
        prefixes: ["X-Forwarded-", "X-Original-", "CF-", "CloudFront-", "X-Envoy-", "X-Middleware-"])

    /// Fields about the Hub's own origin, which would be applied to ours: what a browser stores for an origin, what it reports about it,
    /// and where it finds more of it. Fields that say who may read a response (`Access-Control-`) are not among them: pages that use a
    /// gateway by CORS need those, and `CrossSite` protects the gateway's token.
    private static let notDownstream = CaselessWords(
        hopByHop + [
            "Set-Cookie", "Set-Cookie2", "Alt-Svc", "Alt-Used", "Strict-Transport-Security", "Public-Key-Pins",
            "Public-Key-Pins-Report-Only", "Expect-CT", "Clear-Site-Data", "NEL", "Report-To", "Reporting-Endpoints",
            "Content-Security-Policy-Report-Only", "Service-Worker-Allowed", "Service-Worker-Navigation-Preload",
            "Origin-Agent-Cluster", "Origin-Trial", "Accept-CH", "Accept-CH-Lifetime", "Critical-CH",
            "Permissions-Policy", "Permissions-Policy-Report-Only", "Feature-Policy", "Document-Policy",
            "Document-Policy-Report-Only", "Require-Document-Policy", "Speculation-Rules", "Supports-Loading-Mode",
            "Use-As-Dictionary", "Set-Login", "Activate-Storage-Access", "Observe-Browsing-Topics", "SourceMap",
            "X-SourceMap", "X-DNS-Prefetch-Control", "Integrity-Policy", "Integrity-Policy-Report-Only",
        ],
        prefixes: ["Attribution-Reporting-", "Sec-Session-", "Secure-Session-", "Cross-Origin-"])

    /// Frequent values of Connection that name no field.
    private static let persistence = CaselessWords(["keep-alive", "close"])

    static func upstream(_ headers: Headers) -> Headers {
        filtered(headers, without: notUpstream)
    }

    static func downstream(_ headers: Headers) -> Headers {
        filtered(headers, without: notDownstream)
    }

    private static func filtered(_ headers: Headers, without names: CaselessWords) -> Headers {
        var kept = headers.without(names)
        guard !headers.isEvery("Connection", among: persistence) else { return kept }
        kept.removeAll(listedIn: "Connection", of: headers)
        return kept
    }
}

extension RelayedDocument {
    /// The fields of a relayed response for a client.
    static func headers(of head: Transfer.Head) -> Headers {
        var headers = EndToEndHeaders.downstream(head.headers)
        isolate(&headers)
        return headers
    }
}

/// Requests to the Hub where Xet is hidden.
enum HiddenXet {
    /// With this media type a client asks for a file's place in Xet, instead of for the file.
    private static let fileInfo = "application/vnd.xet-fileinfo+json"

    /// Throws `refusal` for a request that asks for access to Xet: otherwise the client would call Xet, and be refused there.
    static func prepare(_ request: inout Request, instead refusal: Failure = .xetHidden) throws(Failure) {
        guard !request.target.path.contains(anyOf: HubOperationsTable.xetTokens) else { throw refusal }
        guard request.headers.mentions(fileInfo, in: "Accept") else { return }
        let kept = request.headers.values(of: "Accept").flatMap { $0.split(separator: ",") }
            .filter { !$0.lowercased().contains(fileInfo) }
        request.headers.set("Accept", kept.isEmpty ? "*/*" : kept.joined(separator: ","))
    }
}

extension Failure {
    /// With `xet = uploads` nothing is downloaded from Xet here.
    static var xetDownloadsHidden: Failure {
        Failure(
            .notFound,
            detail:
                "This gateway carries uploads by Xet, and no downloads (xet = uploads, which cache_dir brings along). Files come whole from their own path; a client that asks Xet all the same takes HF_HUB_DISABLE_XET=1."
        )
    }

    /// With `xet = hide` there is no Xet here.
    static var xetHidden: Failure {
        Failure(
            .notFound,
            detail:
                "This gateway does not carry Xet (xet = hide). Set HF_HUB_DISABLE_XET=1 and try again: the same files go by plain HTTP then."
        )
    }
}
