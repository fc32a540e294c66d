import HTTP

/// What a request says of the page that sent it, where `trusted_origins` names any, and what that page may send and see: the CORS protocol
/// (https://fetch.spec.whatwg.org/#http-cors-protocol).
///
/// It says who may read a response, and not who may ask: rights are the principal's. Cookies play no part, so `Allow-Credentials` never goes out.
struct CrossOrigin: Sendable {
    /// A trusted page's, as the browser has written it; nil for all else.
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

    /// Lets a trusted page read a response. What the Hub says of pages on its own site does not count then. A response that a browser may keep
    /// differs by origin, also to a request without one: https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches.
    func admit(_ headers: inout Headers) {
        headers.append("Vary", "Origin")
        guard let origin else { return }
        headers.removeAll(Self.ofTheHub)
        headers.append("Access-Control-Allow-Origin", origin)
        headers.append("Access-Control-Expose-Headers", Self.exposed)
    }

    /// The response to what a browser asks for a trusted page before it sends what a form could not send; nil for other requests. It has no credential, and needs
    /// none: it says what may be asked, and nothing of the resource.
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
        // https://wicg.github.io/private-network-access: a public page that asks a machine of the local network.
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
