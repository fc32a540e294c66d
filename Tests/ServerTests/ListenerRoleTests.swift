@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Entrances")
struct ListenerRoleTests {
    private func route(
        _ path: String, _ method: Method = .get, at role: ListenerRole, logins: Bool = true
    ) -> Result<Route.Name, Failure> {
        Result { () throws(Failure) in
            try Router(hasLogins: logins).route(method, try Target(hub: path), at: role)
        }
    }

    @Test("With one address everything is there", arguments: Routes.all)
    func only(endpoint: Route) {
        #expect(route(endpoint.path, endpoint.method, at: .only) == .success(endpoint.name))
        #expect(route("/acme/model", at: .only) == .success(.relay))
    }

    @Test("With two, each endpoint is at one of them", arguments: Routes.all)
    func two(endpoint: Route) {
        let isAdmin = endpoint.path.hasPrefix("/-/") && !endpoint.name.isOfLogins
        let (here, there) = isAdmin ? (ListenerRole.admin, ListenerRole.clients) : (.clients, .admin)
        #expect(route(endpoint.path, endpoint.method, at: here) == .success(endpoint.name))
        #expect(route(endpoint.path, endpoint.method, at: there).failure?.kind == .notFound)
    }

    @Test(
        "Without logins their paths are the Hub's, and below /-/ nobody's",
        arguments: Routes.all.filter(\.name.isOfLogins))
    func withoutLogins(endpoint: Route) {
        for method in [endpoint.method, .get, .put] {
            let found = route(endpoint.path, method, at: .only, logins: false)
            if endpoint.path.hasPrefix("/-/") {
                #expect(found.failure?.kind == .notFound)
            } else {
                #expect(found == .success(.relay))
            }
        }
    }

    @Test("What is signed is for clients, wherever the other paths below /-/ are")
    func signed() {
        for path in ["/-/signed/", "/-/signed/r1.x/y", "/-/signed/b1.x/y/v1/z?a"] {
            #expect(route(path, .put, at: .only) == .success(.content))
            #expect(route(path, .put, at: .clients) == .success(.content))
            #expect(route(path, at: .admin).failure?.kind == .notFound)
        }
        for path in ["/-/signed", "/-/sealedx", "/-/"] {
            #expect(route(path, at: .only).failure?.kind == .notFound)
        }
    }

    @Test("What replicas ask each other is at the address of clients")
    func peers() {
        #expect(route("/-/peer/blobs/x", at: .only) == .success(.peer))
        #expect(route("/-/peer/blobs/x", at: .clients) == .success(.peer))
        #expect(route("/-/peer/blobs/x", at: .admin).failure?.kind == .notFound)
        #expect(route("/-/peer/x", at: .only).failure?.kind == .notFound)
        #expect(!Routes.all.contains { $0.name == .peer || $0.path.contains("peer") })
    }

    @Test("What is not shown cannot be told from what does not exist", arguments: [Method.get, .post, .head, .delete])
    func hidden(method: Method) {
        let (hidden, unknown) = (route("/-/metrics", method, at: .clients), route("/-/metricz", method, at: .clients))
        #expect(hidden.failure?.kind == .notFound && unknown.failure?.kind == .notFound)
    }

    @Test(
        "The Hub is not behind the admin address", arguments: ["/", "/acme/model", "/api/models", "/-", "/-x/health"])
    func relay(path: String) {
        #expect(route(path, at: .admin).failure?.kind == .notFound)
    }

    @Test("The home page leaves out what is not at its address")
    func home() {
        let endpoint = HomePage.Endpoint(method: "GET", path: "/-/health", summary: "Whether it runs", curl: "")
        func page(_ endpoints: [HomePage.Endpoint]) -> String {
            HomePage(
                version: "1", origin: "https://localhost:8080", caFile: nil, endpoints: endpoints, hub: .noToken,
                upstream: "https://huggingface.co", sandbox: false, access: "open"
            ).html()
        }
        #expect(page([endpoint]).contains(#"<a href="/-/health">"#))
        #expect(!page([]).contains("/-/"))
    }

    @Test(
        "admin_listen needs a port that listen does not take",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1:8080", false), ("127.0.0.1:8080", ":8080", false),
            (":8080", "127.0.0.1:8080", false), ("127.0.0.1:8080", "127.0.0.2:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:9090", true), ("127.0.0.1:0", "127.0.0.1:0", true), ("8080", "9090", true),
        ])
    func ports(listen: String, admin: String, isGood: Bool) {
        let given = SettingsCase(arguments: ["--access", "open", "--listen", listen, "--admin-listen", admin])
        #expect(given.problems.isEmpty == isGood)
        #expect(given.problems.allSatisfy { $0.contains("admin_listen") && $0.contains("give another port") })
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
