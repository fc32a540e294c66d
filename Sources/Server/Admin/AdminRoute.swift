import HTTP
import Hub

/// One operation of the admin API.
struct AdminRoute: Sendable {
    enum Name: String, Sendable, CaseIterable {
        case session, signIn, signOut
        case status, settings, figures, events, requests, recentRequests, cancelRequest
        case keys, key, createKey, editKey, rotateKey, revokeKey, roles, explain
        case audit, verifyAudit
        case reload, drain
        case pulls, pull, cancelPull, pin, unpin
        case usage, budget, cache, purgeCache, keptFiles, removeFile
    }

    /// A parameter in the query or in the path.
    struct Parameter: Sendable {
        let name: String
        let meaning: String
        let schema: JSON
        let example: JSON

        init(_ name: String, _ meaning: String, _ schema: JSON = ["type": "string"], example: JSON) {
            (self.name, self.meaning, self.schema, self.example) = (name, meaning, schema, example)
        }
    }

    let name: Name
    let method: Method
    /// Below `/-/api`; a segment in braces is a parameter.
    let path: String
    /// One sentence.
    let summary: String
    let query: [Parameter]
    /// The name of the schema of the body; nil: there is none.
    let body: String?
    /// An example of the body, which tests send.
    let example: JSON?
    /// The name of the schema of the response, and its status.
    let result: String
    let status: Int
    /// Whether the operation exists with `access = keys` alone.
    let needsKeys: Bool

    init(
        _ name: Name, _ method: Method, _ path: String, _ summary: String, query: [Parameter] = [], body: String? = nil,
        example: JSON? = nil, result: String, status: Int = 200, needsKeys: Bool = false
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.summary = summary
        self.query = query
        self.body = body
        self.example = example
        self.result = result
        self.status = status
        self.needsKeys = needsKeys
    }

    /// The names of the parameters in the path.
    var pathParameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}

/// A request for an operation, and the values of its path parameters in their order.
struct AdminCall: Sendable {
    let route: AdminRoute
    let parameters: [String]
}

extension AdminRoutes {
    static let prefix = "/-/api"

    /// Throws `notFound` where no operation has the path, `methodNotAllowed` where none of those has the method. `hasKeys`: those that need keys
    /// are there.
    static func find(_ method: Method, _ target: Target, hasKeys: Bool) throws(Failure) -> AdminCall {
        let segments = target.segments.dropFirst(2).map { $0 }
        // RFC 9110 9.3.2: HEAD is GET without the content, everywhere.
        let wanted = method == .head ? .get : method
        var allowed: [Method] = []
        for route in all where hasKeys || !route.needsKeys {
            guard let parameters = match(route, segments) else { continue }
            if route.method == wanted { return AdminCall(route: route, parameters: parameters) }
            allowed += route.method == .get ? [.get, .head] : [route.method]
        }
        guard allowed.isEmpty else { throw .methodNotAllowed(method, allow: allowed) }
        throw .notFound("endpoint \(target.loggable)")
    }

    private static func match(_ route: AdminRoute, _ segments: [String]) -> [String]? {
        let pattern = route.path.split(separator: "/")
        guard pattern.count == segments.count else { return nil }
        var parameters: [String] = []
        for (part, segment) in zip(pattern, segments) {
            if part.hasPrefix("{") {
                guard !segment.isEmpty else { return nil }
                parameters.append(segment)
            } else if part != segment {
                return nil
            }
        }
        return parameters
    }
}
