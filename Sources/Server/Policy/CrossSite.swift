import HTTP
import Hub

/// Whether a request was sent by a web page of another site, in a browser that can reach this gateway.
///
/// With `access = open` the gateway acts for every client that reaches it, and so for a page that a user of this machine has open: without this check it could
/// create or delete repositories in their name. Browsers say where a request comes from in fields that a page cannot set.
enum CrossSite {
    /// Throws `denied` for a request that such a page may not make. `isAmbient`: a browser could attach the credential by itself. `isTrusted`: the page's
    /// origin is in `trusted_origins`. `gateway`: see `sent`.
    static func check(
        _ request: Request, isAmbient: Bool, isTrusted: Bool, to gateway: @autoclosure () -> String?
    ) throws(Failure) {
        if isAmbient, !isTrusted, sent(request, to: gateway()) { throw .crossSite }
        if registersServiceWorker(request) { throw .serviceWorker }
    }

    /// A link or a typed address is not counted (`navigate`, with a safe method): only the user sees its response.
    /// `gateway` is its origin as clients know it, where that is another than the request's `Host` says.
    static func sent(_ request: Request, to gateway: @autoclosure () -> String? = nil) -> Bool {
        if let site = request.headers["Sec-Fetch-Site"], site != "same-origin", site != "none" {
            return !(request.method.isSafe && request.headers["Sec-Fetch-Mode"] == "navigate")
        }
        guard let origin = request.headers["Origin"] else { return false }
        return !isOurs(origin, host: request.headers["Host"]) && gateway()?.lowercased() != origin.lowercased()
    }

    /// Whether a browser asks for the script of a service worker, which would answer for this origin from then on
    /// (https://www.w3.org/TR/service-workers, section 5.2). The gateway has no such script, whichever page asks for one.
    static func registersServiceWorker(_ request: Request) -> Bool {
        request.headers.contains("Service-Worker") || request.headers["Sec-Fetch-Dest"] == "serviceworker"
    }

    /// Clients reach the gateway over TLS alone, so its own pages have an https origin.
    private static func isOurs(_ origin: String, host: String?) -> Bool {
        guard let host else { return false }
        return origin.lowercased() == "https://\(host.lowercased())"
    }
}

extension Failure {
    /// A web page of another site tried to use the gateway's token through a visitor's browser.
    fileprivate static var crossSite: Failure {
        Failure(
            .denied,
            detail:
                "Pages of other sites may not use this gateway: it acts with its own token. Its operator can name their origin in trusted_origins."
        )
    }

    /// A browser asked for a script that would answer instead of this gateway.
    fileprivate static var serviceWorker: Failure {
        Failure(
            .denied,
            detail: "Nothing here is a service worker: a script of the Hub's may not stand before this gateway.")
    }
}
