@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server

/// A sandbox and the ways in which the tests call it.
struct SandboxCaller {
    static let origin = "https://sandbox.test:8443"

    var hub: Sandbox

    init(limits: SandboxLimits? = nil, now: @escaping @Sendable () -> Int64 = { Sandbox.opening }) {
        hub = Sandbox(origin: Self.origin, limits: limits, digest: .openSSL, now: now)
    }

    /// `token` is sent as Bearer; nil sends no Authorization. A body of nil sends none, and no Content-Type.
    mutating func call(
        _ method: Method, _ target: String, token: String? = "hf_sandbox", _ body: JSON? = nil
    ) throws -> Response {
        var headers = Headers()
        if let token { headers.append("authorization", "Bearer \(token)") }
        if body != nil { headers.append("Content-Type", "application/json") }
        return hub.answer(
            Request(method: method, target: try Target(hub: target), headers: headers, body: try body?.encoded() ?? []))
    }

    /// What the gateway's typed calls make of the sandbox's responses.
    mutating func send<Call: HubCall>(_ call: Call, token: String = "hf_sandbox") throws -> Call.Answer {
        var headers: Headers = ["Authorization": "Bearer \(token)"]
        if let type = call.contentType { headers.append("Content-Type", type) }
        let answer = hub.answer(
            Request(
                method: call.method, target: try Target(hub: call.path), headers: headers, body: try call.body ?? []))
        return try call.answer(status: answer.status, headers: answer.headers, body: answer.body)
    }
}

extension Response {
    var json: JSON? { try? JSON.parse(body) }

    /// The names in a list.
    var ids: [String] {
        guard case .array(let repos)? = json else { return [] }
        return repos.compactMap { $0["id"]?.stringValue }
    }
}
