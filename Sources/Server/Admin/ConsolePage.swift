import EventIO
import HTTP
import Hub

/// GET /-/console: one page with its style and its script in it, which nothing else can add to. What it shows it gets from the admin API.
struct ConsolePage: Handler {
    let access: AdminAccess

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        guard access.isServed else { throw .notFound("endpoint \(context.target.loggable)") }
        return .response(Self.response)
    }

    private static let style = HTMLText(.consoleStyle)
    private static let script: HTMLText = "\(EmbeddedFile.consoleScripts.map { HTMLText($0) })"

    private static let response: Response = {
        let page = HTMLTemplate(.consolePage).fill("", ["style": style, "script": script])
        var response = Response(.ok, text: page.markup, type: "text/html")
        response.headers.append("Content-Security-Policy", contentSecurityPolicy)
        response.headers.append("X-Content-Type-Options", "nosniff")
        response.headers.append("X-Frame-Options", "DENY")
        response.headers.append("Referrer-Policy", "no-referrer")
        response.headers.append("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.append("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.append("Cache-Control", "no-store")
        return response
    }()

    /// It runs its own script and no other, by its hash: what the Hub serves is at the same origin, so `'self'` would be no bound. Texts become
    /// elements only as text (`require-trusted-types-for`).
    static let contentSecurityPolicy =
        "default-src 'none'; script-src '\(hash(script))'; style-src '\(hash(style))'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

    private static func hash(_ content: HTMLText) -> String {
        "sha256-\(Base64.encode(MessageDigest.sha256(Array(content.markup.utf8))))"
    }
}
