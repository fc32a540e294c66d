@testable import Sandbox
@testable import EventIO
import FoundationEssentials
@testable import HTTP
@testable import Hub
@testable import Server

extension SandboxCaller {
    static let cdn = "https://cdn.sandbox.invalid"
    static let lfsType = "application/vnd.git-lfs+json"

    /// A call with a body of another type than JSON.
    mutating func send(
        _ method: Method, _ target: String, type: String, _ body: String, token: String? = "hf_sandbox"
    ) throws -> Response {
        var headers: Headers = ["Content-Type": type]
        if let token { headers.append("Authorization", "Bearer \(token)") }
        return hub.answer(
            Request(method: method, target: try Target(hub: target), headers: headers, body: Array(body.utf8)))
    }

    /// A commit of `lines`, each a key and its value, behind the header.
    mutating func commit(
        to repo: String = "models/sandbox/demo", _ lines: [(String, JSON)], revision: String = "main",
        parent: String? = nil, query: String = "", token: String? = "hf_sandbox"
    ) throws -> Response {
        var header: [String: JSON] = ["summary": "Change", "description": "More"]
        if let parent { header["parentCommit"] = .string(parent) }
        let all = [("header", JSON.object(header))] + lines
        let texts = try all.map { key, value in
            String(decoding: try JSON.object(["key": .string(key), "value": value]).encoded(), as: UTF8.self)
        }
        return try send(
            .post, "/api/\(repo)/commit/\(revision)\(query)", type: "application/x-ndjson",
            texts.joined(separator: "\n"), token: token)
    }

    static func file(_ path: String, _ content: String) -> (String, JSON) {
        let encoded = Data(content.utf8).base64EncodedString()
        return ("file", ["path": .string(path), "content": .string(encoded), "encoding": "base64"])
    }

    static func linked(_ path: String, _ oid: String) -> (String, JSON) {
        ("lfsFile", ["path": .string(path), "algo": "sha256", "oid": .string(oid), "size": 1])
    }

    /// A call to the CDN by an absolute URL, as a client makes it.
    mutating func onCDN(
        _ method: Method, _ url: String, _ fields: Headers = [:], _ body: [UInt8] = []
    ) throws -> Response {
        var headers: Headers = ["Host": String(Self.cdn.dropFirst("https://".count))]
        if method == .put, !fields.contains("Transfer-Encoding") { headers.append("Content-Length", "\(body.count)") }
        for (name, value) in fields { headers.set(name, value) }
        let target = try Target(hub: String(url.dropFirst(Self.cdn.count)))
        return hub.answer(Request(method: method, target: target, headers: headers, body: body), at: .cdn)
    }

    mutating func batch(
        _ operation: String, _ objects: [(oid: String, size: Int)], transfers: JSON = ["basic", "multipart"]
    ) throws -> [JSON] {
        let objects = objects.map { JSON.object(["oid": .string($0.oid), "size": .integer(Int64($0.size))]) }
        let body: JSON = ["operation": .string(operation), "transfers": transfers, "objects": .array(objects)]
        let answer = try send(
            .post, "/sandbox/demo.git/info/lfs/objects/batch", type: Self.lfsType,
            String(decoding: body.encoded(), as: UTF8.self))
        guard case .array(let answers)? = answer.json?["objects"] else { return [] }
        return answers
    }
}

extension Response {
    /// The paths in a tree.
    var paths: [String] {
        guard case .array(let entries)? = json else { return [] }
        return entries.compactMap { $0["path"]?.stringValue }
    }
}

extension SandboxCaller {
    static let cas = "https://cas.sandbox.invalid"

    /// A call to Xet's store.
    mutating func onCAS(
        _ method: Method, _ target: String, token: String?, _ fields: Headers = [:], _ body: [UInt8] = []
    ) throws -> Response {
        var headers = fields
        if let token { headers.append("Authorization", "Bearer \(token)") }
        return hub.answer(
            Request(method: method, target: try Target(hub: target), headers: headers, body: body), at: .cas)
    }

    /// A token of Xet, for what is in `repo`.
    mutating func xetToken(_ scope: String = "write", repo: String = "models/sandbox/demo") throws -> String? {
        try call(.get, "/api/\(repo)/xet-\(scope)-token/main").json?["accessToken"]?.stringValue
    }
}
