@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server

/// A client of a gateway under test, over real TLS: it trusts the tests' authority and keeps its connections.
@EventLoop
final class TestClient {
    /// What came back.
    struct Reply: Sendable {
        let status: Int
        let headers: Headers
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSON? { try? JSON.parse(body) }
        /// A member of the JSON body that is a string.
        subscript(_ member: String) -> String? { json?[member]?.stringValue }
    }

    private let base: String
    private let pool: TransferPool

    init(base: String, authority: String) throws {
        self.base = base
        pool = try TransferPool(trust: .file(authority))
    }

    func get(_ target: String, headers: Headers = [:]) async throws(Failure) -> Reply {
        try await send(.get, target, headers: headers)
    }

    /// Sends JSON with its media type.
    func send(
        _ method: Method, _ target: String, json: JSON, headers: Headers = [:]
    ) async throws(Failure) -> Reply {
        var headers = headers
        headers.set("Content-Type", "application/json")
        return try await send(method, target, body: try json.encoded(), headers: headers)
    }

    /// With `Transfer-Encoding: chunked` the body goes out in a chunk. Throws what a gateway throws of its Hub: for example `hubBroken`
    /// when the response is cut off.
    func send(
        _ method: Method, _ target: String, body: [UInt8] = [], headers: Headers = [:]
    ) async throws(Failure) -> Reply {
        var request = Request(method: method, target: try Target(hub: target), headers: headers, body: body)
        let isChunked = headers["Transfer-Encoding"] == "chunked"
        if isChunked { request.body = [] }
        let content = ContentCollector(limit: 16 << 20, patience: 60_000)
        let limits = Transfer.Limits(connect: 20_000, firstByte: 20_000, stall: 20_000)
        let transfer = pool.start(
            request, url: base + target, limits: limits, stream: isChunked ? TransferPool.Stream(length: nil) : nil,
            sink: content)
        if isChunked {
            _ = unsafe body.withUnsafeBufferPointer { unsafe transfer.send($0) }
            transfer.sendEnd()
        }
        let head = try await transfer.responseHead()
        try await transfer.responseEnd()
        return Reply(status: head.status.code, headers: head.headers, body: try content.bytes())
    }

    /// Sends JSON by POST; what comes back goes to `sink` as it comes, until the transfer is done or cancelled.
    func stream(_ target: String, json: JSON, into sink: any TransferSink) throws(Failure) -> Transfer {
        let request = Request(
            method: .post, target: try Target(hub: target), headers: ["Content-Type": "application/json"],
            body: try json.encoded())
        return pool.start(request, url: base + target, limits: Transfer.Limits(), sink: sink)
    }

    func close() {
        pool.close()
    }
}

extension Transfer {
    /// `head()`, with the gateway's error.
    func responseHead() async throws(Failure) -> Head {
        do throws(TransferError) {
            return try await head()
        } catch {
            throw Failure(error)
        }
    }
}
