import HTTP

/// Whether a request was sent by a web page of somebody else's, in a browser that can reach this gateway.
///
/// With `access = open` the gateway acts for whoever reaches it, and a page that a user of this machine looks at can: without this it could
/// create or delete repositories in their name. Browsers say where a request comes from in fields that a page cannot set.
enum CrossSite {
    /// A link or a typed address is let through (`navigate`, with a safe method): it shows something to the user and to nobody else.
    /// `gateway` is its origin as clients know it, where that is another than the request's `Host` says.
    static func sent(_ request: Request, to gateway: @autoclosure () -> String? = nil) -> Bool {
        if let site = request.headers["Sec-Fetch-Site"], site != "same-origin", site != "none" {
            return !(request.method.isSafe && request.headers["Sec-Fetch-Mode"] == "navigate")
        }
        guard let origin = request.headers["Origin"] else { return false }
        return !isOurs(origin, host: request.headers["Host"]) && gateway()?.lowercased() != origin.lowercased()
    }

    /// Whether a browser asks for the script of a service worker, which would answer for this origin from then on
    /// (https://www.w3.org/TR/service-workers, section 5.2). No script here is one, whoever registers it.
    static func registersServiceWorker(_ request: Request) -> Bool {
        request.headers.contains("Service-Worker") || request.headers["Sec-Fetch-Dest"] == "serviceworker"
    }

    /// The gateway is reached over TLS alone, so its own pages have an https origin.
    private static func isOurs(_ origin: String, host: String?) -> Bool {
        guard let host else { return false }
        return origin.lowercased() == "https://\(host.lowercased())"
    }
}
