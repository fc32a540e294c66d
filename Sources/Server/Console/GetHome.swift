import EventIO
import HTTP
import Hub

/// GET /: what this gateway is and how to use it: HTML for browsers, short text for others.
struct GetHome: Handler {
    let settings: Settings
    let hubProbe: HubProbe
    let hasConsole: Bool

    func handle(_ exchange: Exchange, _ context: RequestContext) -> Reply {
        let request = exchange.request
        return .pending { await page(for: request, context) }
    }

    private func page(for request: Request, _ context: RequestContext) async -> Response {
        let state = await hubState(context)
        let page = HomePage(
            version: Version.number, origin: origin(request, context),
            caFile: settings.exampleAuthority,
            endpoints: shown.map { HomePage.Endpoint($0, owner: state.owner) }, hub: state,
            upstream: settings.sandbox ? "the sandbox" : settings.upstream.description, sandbox: settings.sandbox,
            access: settings.access.rawValue, basePath: settings.basePath, hidesXet: settings.xet == .hide,
            hasConsole: hasConsole)
        let isBrowser = request.headers.lists("Accept", anyOf: Self.html)
        var response =
            isBrowser
            ? Response(.ok, text: page.html(), type: "text/html") : Response(.ok, text: page.text())
        response.headers.append("Content-Security-Policy", HomePage.contentSecurityPolicy)
        response.headers.append("X-Content-Type-Options", "nosniff")
        response.headers.append("Cache-Control", "no-store")
        response.headers.append("Vary", "Accept, Host")
        return response
    }

    private func origin(_ request: Request, _ context: RequestContext) -> String {
        GatewayAddress.origin(of: request, forwarded: context.forwardedOrigin, publicURL: settings.publicURL)
            ?? "https://\(settings.listen.first?.description ?? "")"
    }

    private static let html = CaselessWords(["text/html"])

    private var shown: [Route] {
        let role = settings.adminListen == nil ? ListenerRole.only : .clients
        return Routes.all.filter {
            role.shows($0.path) && (settings.access == .keys || !$0.name.isOfLogins)
                && !$0.name.isOfAdministrators && $0.name != .documents
        }
    }

    /// Every state of the Hub has a page.
    private func hubState(_ context: RequestContext) async -> HomePage.HubState {
        do throws(Failure) {
            let name = try await hubProbe.probe(context)
            // With keys the account's name is not for every client.
            return (name ?? (settings.access == .keys ? "" : nil)).map { .reachable(name: $0) } ?? .noToken
        } catch {
            return error.kind == .noToken ? .noToken : .unreachable(reason: error.detail)
        }
    }
}

extension HomePage.Endpoint {
    /// `owner`: the name of the token's account, put into the example so that the line works as it is.
    fileprivate init(_ route: Route, owner: String?) {
        let method = route.method == .get ? "" : "-X \(route.method) "
        let body =
            route.example.map { example in
                let order = owner.map { example.replacing("\"user/", with: "\"\($0)/") } ?? example
                return " \\\n  -H 'Content-Type: application/json' -d '\(order)'"
            } ?? ""
        self.init(
            method: route.method.rawValue, path: route.path, summary: route.summary,
            curl: "\(method){origin}\(route.path)\(body)")
    }
}

extension HomePage.HubState {
    /// The account's name, if a shell takes it without quotes.
    fileprivate var owner: String? {
        guard case .reachable(let name) = self, let id = try? RepoID(name), id.namespace == nil else { return nil }
        return id.name
    }
}
