import HTTP
import Hub

/// One endpoint of the gateway's own. A class, as requests go through the table of them.
final class Route: Sendable {
    let method: Method
    let path: String
    /// What it does, for the home page and the documentation.
    let summary: String
    /// The JSON body of the example.
    let example: String?
    /// The name by which its handler is found.
    let name: Name

    init(method: Method, path: String, summary: String, example: String?, name: Name) {
        self.method = method
        self.path = path
        self.summary = summary
        self.example = example
        self.name = name
    }

    /// The endpoints by name: the log and the handlers' table use it.
    /// Their numbers are where metrics count them.
    enum Name: Int, Sendable, CaseIterable {
        case home, account, createRepo, updateRepo, deleteRepo, health, ready, metrics
        /// Signed URLs: the bytes of files, and Xet.
        case content
        /// Every request that is for none of our own endpoints: the inference router's below `/v1`, else the Hub's.
        case relay, inference
        /// Probes that clients send of their own accord.
        case clientProbe
        /// Logins.
        case token, device, loginPage, loginForm
        /// For administrators, and documents about all of these.
        case admin, console, documents
        /// For other replicas alone.
        case peer

        /// Whether it exists only with `access = keys`: else the path is the Hub's.
        var isOfLogins: Bool {
            switch self {
            case .token, .device, .loginPage, .loginForm: true
            default: false
            }
        }

        /// Whether it exists only where the gateway can be run over HTTP.
        var isOfAdministrators: Bool { self == .admin || self == .console }

        /// Whether it is called each second, and of no interest in a trace.
        var isProbe: Bool { self == .health || self == .ready || self == .metrics }

        /// Whether it takes a key, with `access = keys`. Probes have none, and a signed URL is a right by itself.
        var needsKey: Bool {
            switch self {
            case .home, .health, .ready, .metrics, .content: false
            case .token, .device, .loginPage, .loginForm: false
            // Signed with the secret of replicas.
            case .peer: false
            // The handler refuses callers that are no administrators; the pages show nothing by themselves.
            case .admin, .console, .documents: false
            case .account, .createRepo, .updateRepo, .deleteRepo, .relay, .inference, .clientProbe: true
            }
        }
    }
}

/// THE table of the gateway's own endpoints.
enum Routes {
    /// Bit n: some path here has n bytes; the last bit also for longer paths. Most paths of the Hub have another length.
    private static let lengths = all.reduce(UInt64(0)) { $0 | bit($1.path.utf8.count) }

    private static func bit(_ length: Int) -> UInt64 { 1 << UInt64(min(length, 63)) }

    /// Whether a path of this length in bytes can be one of them.
    static func mayHave(_ length: Int) -> Bool { lengths & bit(length) != 0 }

    static let all: [Route] = [
        Route(method: .get, path: "/", summary: "The home page; a short text for curl", example: nil, name: .home),
        Route(
            method: .get, path: "/api/account", summary: "Whose token it is: the Hub's whoami, without secrets",
            example: nil,
            name: .account),
        Route(
            method: .post, path: "/api/repo", summary: "Create a repository",
            example: #"{"type":"model","name":"my-model","private":true}"#, name: .createRepo),
        Route(
            method: .put, path: "/api/repo", summary: "Make a repository private or public",
            example: #"{"type":"model","namespace":"user/my-model","private":false}"#, name: .updateRepo),
        Route(
            method: .delete, path: "/api/repo", summary: "Delete a repository",
            example: #"{"type":"model","name":"my-model"}"#, name: .deleteRepo),
        Route(method: .get, path: "/-/health", summary: "Whether the gateway runs", example: nil, name: .health),
        Route(
            method: .get, path: "/-/ready", summary: "Whether it can serve: the Hub answers and takes the token",
            example: nil,
            name: .ready),
        Route(
            method: .get, path: "/-/metrics", summary: "Counters and times for Prometheus", example: nil,
            name: .metrics),
        Route(
            method: .post, path: "/oauth/token",
            summary: "A gateway key for a workload's token or a device's code, with access = keys",
            example: nil, name: .token),
        Route(
            method: .post, path: "/oauth/device",
            summary: "Begins the login of a device (hf auth login), with access = keys",
            example: nil, name: .device),
        Route(
            method: .get, path: ListenerRole.loginPath, summary: "Where a person confirms such a device", example: nil,
            name: .loginPage),
        Route(
            method: .post, path: ListenerRole.loginPath, summary: "The form of that page", example: nil,
            name: .loginForm),
        Route(
            method: .get, path: "/-/console", summary: "The console, for administrators", example: nil, name: .console),
        Route(
            method: .get, path: "/-/docs", summary: "All endpoints and the admin API, to read", example: nil,
            name: .documents),
        Route(
            method: .get, path: "/-/openapi.json", summary: "The same for programs (OpenAPI 3.1)", example: nil,
            name: .documents),
    ]
}
