import HTTP

/// The page that sent a request, where `trusted_origins` names any, and what that page may send and see: the CORS protocol
/// (https://fetch.spec.whatwg.org/#http-cors-protocol).
///
/// It decides which pages may read a response, not what may be asked: rights are the principal's. Cookies play no part, so `Allow-Credentials` is never sent.
struct CrossOrigin: Sendable {
    /// The origin of a trusted page, as the browser has written it; nil for any other.
    private let origin: String?
    /// Whether the operator has named the page's origin, and not only `*`.
    let isNamed: Bool

    /// Fields that clients of the Hub read and that a browser hides otherwise.
    private static let exposed = [
        "Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Range", "ETag", "Idempotent-Replayed",
        "Link", "Location",
        "RateLimit", "RateLimit-Policy", "Retry-After", "X-Error-Code", "X-Error-Message", "X-Hubgate-Request-Id",
        "X-Linked-ETag", "X-Linked-Size", "X-Repo-Commit", "X-Request-Id", "X-Total-Count", "X-Xet-Hash",
    ].joined(separator: ", ")
    private static let ofTheHub = CaselessWords([], prefixes: ["Access-Control-"])
    /// In seconds: how long a browser need not ask again.
    private static let maxAge = "7200"

    /// Nil where no origin is trusted.
    init?(_ request: Request, _ trusted: TrustedOrigins) {
        guard !trusted.isEmpty else { return nil }
        let origin = request.headers["Origin"].flatMap { trusted.contain($0) ? $0 : nil }
        self.origin = origin
        isNamed = origin.map { trusted.names.contains($0) } ?? false
    }

    /// Lets a trusted page read a response. The Hub's fields for pages of its own site do not count then. A response that a browser may cache
    /// differs by origin, also for requests without one: https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches.
    func admit(_ headers: inout Headers) {
        headers.append("Vary", "Origin")
        guard let origin else { return }
        headers.removeAll(Self.ofTheHub)
        headers.append("Access-Control-Allow-Origin", origin)
        headers.append("Access-Control-Expose-Headers", Self.exposed)
    }

    /// The response to a browser's preflight request for a trusted page; nil for other requests. It has no credential, and needs
    /// none: it says which requests are allowed, and nothing of the resource.
    func preflight(_ request: Request) -> Response? {
        guard let origin, request.method.rawValue == "OPTIONS",
            let method = request.headers["Access-Control-Request-Method"], Self.isToken(method.utf8)
        else { return nil }
        var headers: Headers = [
            "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": method,
            "Access-Control-Max-Age": Self.maxAge,
            "Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        ]
        if let names = request.headers["Access-Control-Request-Headers"], Self.isListOfTokens(names) {
            headers.append("Access-Control-Allow-Headers", names)
        }
        // https://wicg.github.io/private-network-access: a public page asks a machine of the local network.
        if request.headers["Access-Control-Request-Private-Network"] == "true" {
            headers.append("Access-Control-Allow-Private-Network", "true")
        }
        return Response(.noContent, headers: headers)
    }

    /// RFC 9110 section 5.6.2.
    private static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }

    private static func isListOfTokens(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: ",")).allSatisfy { member in
            isToken(member.trimmingOWS())
        }
    }
}
