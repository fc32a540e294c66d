@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Identical calls at the same moment are one call to the Hub, and nothing else is.
@Suite(.live)
struct CoalescingTests {
    private static let path = "/api/models/acme/demo/revision/main"
    private static let crowd = 20

    /// A Hub that answers from when on as many requests are in flight at the gateway as the test has sent.
    @EventLoop
    private final class PatientHub {
        weak var gateway: TestGateway?
        var awaited = crowd

        private var isOpen = false

        func wait() async {
            while let gateway, !isOpen {
                isOpen = gateway.server.state.drainState.inFlight >= awaited
                await EventLoop.sleep(milliseconds: 1)
            }
        }
    }

    @EventLoop
    private final class Crowd {
        var replies: [TestClient.Reply] = []
    }

    /// A gateway to a Hub that responds by `respond` from when `awaited` requests are in flight, or as many as the test says then.
    @EventLoop
    private func withPatientHub<Value>(
        awaiting awaited: Int = .max, _ change: (inout Settings) -> Void = { _ in },
        respond: @escaping @EventLoop (Exchange, Request) -> Void = { exchange, _ in exchange.send(Self.info) },
        _ body: @EventLoop (TestGateway, FakeHub, PatientHub) async throws -> Value
    ) async throws -> Value {
        let patient = PatientHub()
        patient.awaited = awaited
        let hub = try FakeHub { exchange, request in
            await patient.wait()
            respond(exchange, request)
        }
        return try await withGateway(hub, change) { gateway in
            patient.gateway = gateway
            return try await body(gateway, hub, patient)
        }
    }

    /// Sends `requests` at once through a gateway to a Hub that answers with `response`, and gives the responses and what reached the Hub.
    @EventLoop
    private func ask(
        _ requests: [Request], _ response: Response, _ change: (inout Settings) -> Void = { _ in }
    ) async throws -> (replies: [TestClient.Reply], calls: [Request]) {
        try await withPatientHub(
            awaiting: requests.count, change, respond: { exchange, _ in exchange.send(response) }
        ) { gateway, hub, _ in
            let crowd = Crowd()
            let tasks = requests.map { request in
                EventLoop.task {
                    let reply = try? await gateway.client.send(
                        request.method, request.target.pathAndQuery, body: request.body, headers: request.headers)
                    if let reply { crowd.replies.append(reply) }
                }
            }
            for task in tasks { await task.value }
            #expect(crowd.replies.count == requests.count)
            return (crowd.replies, hub.requests)
        }
    }

    private func request(_ headers: Headers = [:], _ method: HTTP.Method = .get, _ path: String = path) -> Request {
        Request(method: method, target: (try? Target(hub: path)) ?? .root, headers: headers)
    }

    private static let info = Response(
        .ok, headers: ["Content-Type": "application/json", "ETag": "\"1\"", "X-Request-Id": "Root=one"],
        body: Array(#"{"sha":"0123"}"#.utf8))

    @Test(arguments: [HTTP.Method.get, .head]) @EventLoop
    func identicalCallsAtTheSameMomentAreOneCallToTheHub(_ method: HTTP.Method) async throws {
        let requests = (0..<Self.crowd).map { request(["X-Amzn-Trace-Id": "\($0)"], method) }
        let (replies, calls) = try await ask(requests, Self.info)
        #expect(calls.count == 1)
        #expect(replies.count == Self.crowd)
        #expect(replies.allSatisfy { $0.status == 200 && $0.headers["ETag"] == "\"1\"" })
        #expect(replies.allSatisfy { $0.text == (method == .head ? "" : #"{"sha":"0123"}"#) })
        #expect(replies.allSatisfy { $0.headers["Content-Length"] == "14" })
        #expect(replies.allSatisfy { $0.headers["X-Request-Id"] == "Root=one" })
        #expect(
            Set(replies.map { $0.headers["X-Hubgate-Request-Id"] }).count == Self.crowd, "each has an id of its own")
    }

    @Test @EventLoop
    func belowABasePathTheyAreTheSameCalls() async throws {
        let requests = (0..<3).map { _ in request([:], .get, "/hf" + Self.path) }
        let (replies, calls) = try await ask(requests, Self.info) { $0.basePath = "/hf" }
        #expect(calls.map(\.target.path) == [Self.path])
        #expect(replies.allSatisfy { $0.status == 200 })
    }

    @Test @EventLoop
    func headsOfFilesAreOneCallAndTheirBytesAreNot() async throws {
        let file = "/acme/demo/resolve/main/config.json"
        let heads = try await ask((0..<3).map { _ in request([:], .head, file) }, Self.info)
        #expect(heads.calls.count == 1)
        let gets = try await ask((0..<3).map { _ in request([:], .get, file) }, Self.info)
        #expect(gets.calls.count == 3)
    }

    @Test @EventLoop
    func anAnswerNeverCrossesIdentities() async throws {
        let requests = ["hf_one", "hf_two", "hf_one"].map { request(["Authorization": "Bearer \($0)"]) } + [request()]
        let (_, calls) = try await ask(requests, Self.info) { $0.access = .passthrough }
        let tokens = calls.map { $0.headers["Authorization"] ?? "none" }.sorted()
        #expect(tokens == ["Bearer hf_one", "Bearer hf_two", "none"])
    }

    @Test(
        arguments: [
            ["Range": "bytes=0-1"], ["Cache-Control": "no-cache"], ["Cache-Control": "max-age=0"],
            ["Pragma": "no-cache"],
            ["Accept": "text/event-stream"], ["If-Range": "\"1\""],
        ] as [Headers])
    @EventLoop
    func aRequestForItsOwnAnswerGetsIt(_ headers: Headers) async throws {
        let (_, calls) = try await ask([request(headers), request(headers)], Self.info)
        #expect(calls.count == 2)
    }

    @Test @EventLoop
    func requestsThatDifferInAnyFieldAreCallsOfTheirOwn() async throws {
        let requests = [
            request(["Accept": "application/json"]), request(["Accept": "*/*"]), request(["If-None-Match": "\"1\""]),
            request(["X-Of-Tomorrow": "1"]), request([:], .get, Self.path + "?blobs=true"), request([:], .head),
        ]
        let (_, calls) = try await ask(requests, Self.info)
        #expect(calls.count == requests.count)
    }

    @Test @EventLoop
    func whatHasABodyOrChangesSomethingIsNeverOneCall() async throws {
        let body = Array(#"{"a":1}"#.utf8)
        let requests = [HTTP.Method.post, .post, .delete, .delete, .get, .get].map {
            Request(method: $0, target: (try? Target(hub: Self.path)) ?? .root, body: body)
        }
        let (_, calls) = try await ask(requests, Self.info)
        #expect(calls.count == requests.count)
    }

    @Test @EventLoop
    func xetTokensAndLogsAreEachClientsOwn() async throws {
        for path in ["/api/models/acme/demo/xet-read-token/main", "/api/spaces/acme/demo/logs/run"] {
            let (_, calls) = try await ask([request([:], .get, path), request([:], .get, path)], Self.info)
            #expect(calls.count == 2)
        }
    }

    @Test @EventLoop
    func aLargeAnswerGoesToEachByACallOfTheirOwn() async throws {
        let large = Response(.ok, body: [UInt8](repeating: 0x20, count: ResponseRecorder.shared + 1))
        let (replies, calls) = try await ask((0..<3).map { _ in request() }, large)
        #expect(calls.count == 3)
        #expect(replies.allSatisfy { $0.body.count == ResponseRecorder.shared + 1 })
    }

    @Test @EventLoop
    func aSettingSwitchesItOff() async throws {
        let (_, calls) = try await ask((0..<3).map { _ in request() }, Self.info) { $0.coalesce = false }
        #expect(calls.count == 3)
    }

    @Test @EventLoop
    func aFailureIsToldToAllWhoWaited() async throws {
        try await withPatientHub(awaiting: 3, respond: { exchange, _ in exchange.abort() }) { gateway, hub, _ in
            async let one = gateway.client.get(Self.path)
            async let two = gateway.client.get(Self.path)
            async let three = gateway.client.get(Self.path)
            for reply in try await [one, two, three] { expectError(reply, 502, "HubBroken") }
            #expect(hub.requests.count <= 2, "one call, which may be tried twice")
        }
    }

    @Test @EventLoop
    func whenTheFirstClientLeavesItsCallGoesOnForThoseWhoWait() async throws {
        try await withPatientHub { gateway, hub, patient in
            let first = EventLoop.task { _ = try? await gateway.client.get(Self.path) }
            while hub.requests.isEmpty { await EventLoop.sleep(milliseconds: 1) }
            async let second = gateway.client.get(Self.path)
            async let third = gateway.client.get(Self.path)
            while gateway.server.state.drainState.inFlight < 3 { await EventLoop.sleep(milliseconds: 1) }
            first.cancel()
            while gateway.server.state.drainState.inFlight > 2 { await EventLoop.sleep(milliseconds: 1) }
            patient.awaited = 2
            for reply in try await [second, third] { #expect(reply.text == #"{"sha":"0123"}"#) }
            #expect(hub.requests.count == 1)
        }
    }

    @Test @EventLoop
    func aCallThatNobodyWaitsForAnyMoreIsEnded() async throws {
        try await withPatientHub { gateway, hub, patient in
            let first = EventLoop.task { _ = try? await gateway.client.get(Self.path) }
            while hub.requests.isEmpty { await EventLoop.sleep(milliseconds: 1) }
            let second = EventLoop.task { _ = try? await gateway.client.get(Self.path) }
            while gateway.server.state.drainState.inFlight < 2 { await EventLoop.sleep(milliseconds: 1) }
            first.cancel()
            while gateway.server.state.drainState.inFlight > 1 { await EventLoop.sleep(milliseconds: 1) }
            #expect(!gateway.server.pool.isIdle)
            second.cancel()
            for _ in 0..<2000 where !gateway.server.pool.isIdle { await EventLoop.sleep(milliseconds: 1) }
            #expect(gateway.server.pool.isIdle && hub.requests.count == 1)
            for _ in 0..<2000 where gateway.server.state.drainState.inFlight > 0 {
                await EventLoop.sleep(milliseconds: 1)
            }
            #expect(gateway.server.state.drainState.inFlight == 0, "who left while another led has ended, too")
            patient.awaited = 0
        }
    }

    @Test @EventLoop
    func whoWaitsForATurnIsWaitedForByNobodyElse() async throws {
        try await withPatientHub({ $0.upstreamConnections = 1 }) { gateway, hub, patient in
            async let first = gateway.client.get("/api/models/acme/another")
            while hub.requests.isEmpty { await EventLoop.sleep(milliseconds: 1) }
            async let second = gateway.client.get(Self.path)
            async let third = gateway.client.get(Self.path)
            while gateway.server.state.drainState.inFlight < 3 { await EventLoop.sleep(milliseconds: 1) }
            patient.awaited = 0
            for reply in try await [first, second, third] { #expect(reply.text == #"{"sha":"0123"}"#) }
            #expect(hub.requests.count == 3)
        }
    }

    @Test @EventLoop
    func aReloadEndsNothingThatOthersWaitFor() async throws {
        try await withPatientHub { gateway, hub, patient in
            async let first = gateway.client.get(Self.path)
            while hub.requests.isEmpty { await EventLoop.sleep(milliseconds: 1) }
            try gateway.reload(token: hub.origin.token)
            async let second = gateway.client.get(Self.path)
            while gateway.server.state.drainState.inFlight < 2 { await EventLoop.sleep(milliseconds: 1) }
            patient.awaited = 2
            for reply in try await [first, second] { #expect(reply.text == #"{"sha":"0123"}"#) }
            #expect(hub.requests.count == 1)
        }
    }

    @Test @EventLoop
    func withAnotherTokenNothingIsShared() async throws {
        try await withPatientHub(respond: { exchange, request in
            exchange.send(Response(.ok, text: request.headers["Authorization"] ?? "none"))
        }) { gateway, hub, patient in
            async let first = gateway.client.get(Self.path)
            while hub.requests.isEmpty { await EventLoop.sleep(milliseconds: 1) }
            try gateway.reload(token: Secret(Array("hf_another".utf8)))
            async let second = gateway.client.get(Self.path)
            while hub.requests.count < 2 { await EventLoop.sleep(milliseconds: 1) }
            patient.awaited = 2
            #expect(try await first.text != "Bearer hf_another")
            #expect(try await second.text == "Bearer hf_another")
        }
    }

    @Test @EventLoop
    func whoLeavesIsToldOnceAndTheCallEndsWithTheLast() async throws {
        let request = Request(method: .get, target: try Target(hub: "/api/models/u/m"))
        let key = try #require(CoalescingKey(request, hasBody: false, in: .client(nil)))
        let epochs = WriteEpochs()
        let call = InFlightCall(
            .same(key), of: RequestCoalescer(isOn: true, epochs: epochs), for: request, nil, mark: epochs.mark(nil))
        let context = RequestContext(id: .next(), address: "", forwardedOrigin: nil)
        var told: [Failure.Kind?] = []
        var stopped = 0
        call.wait(context) { outcome in
            if case .failed(let failure) = outcome { told.append(failure.kind) } else { told.append(nil) }
        }
        call.outlivesClient { stopped += 1 }
        context.cancel()
        #expect(!call.isWanted && stopped == 1)
        call.fail(nil)
        await EventLoop.sleep(milliseconds: 2)
        #expect(told == [.clientGone])
    }

    @Test("A waiter that is overdue is answered while the call goes on")
    @EventLoop func overdue() async throws {
        try await withPatientHub({ $0.requestTimeout = .milliseconds(400) }) { gateway, hub, patient in
            async let first = gateway.client.get(Self.path)
            while hub.requests.isEmpty { await EventLoop.sleep(milliseconds: 1) }
            async let second = gateway.client.get(Self.path)
            for reply in try await [first, second] { expectError(reply, 504, "HubTooSlow", "request_timeout") }
            #expect(hub.requests.count == 1)
            patient.awaited = 0
        }
    }
}
