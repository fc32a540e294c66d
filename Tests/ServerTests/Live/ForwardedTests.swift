import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// A gateway behind a load balancer that speaks HTTP: whose word counts on where a client is, and on how it called the gateway.
@Suite("Behind a proxy", .live)
struct ForwardedTests {
    private static let batch = "/u/r.git/info/lfs/objects/batch"

    private static func trusting(_ networks: String) -> (inout Settings) -> Void {
        { $0.trustedProxies = (try? ValueCodec<IPNetworks>.networks.read(networks)) ?? IPNetworks() }
    }

    @Test(
        "The log has the client that a trusted proxy names, and of others who they are; the Hub is told of neither",
        arguments: [("127.0.0.1", "203.0.113.9"), ("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")])
    @EventLoop func log(trusted: String, client: String) async throws {
        let fields: [Headers] = [
            [
                "X-Forwarded-For": "1.1.1.1, 203.0.113.9", "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "gate.example.org",
            ],
            ["Forwarded": "for=1.1.1.1, for=203.0.113.9;proto=https;host=gate.example.org"],
        ]
        for headers in fields {
            let hub = try FakeHub(.whoAmI)
            try await withGateway(hub, Self.trusting(trusted)) { gateway in
                _ = try await gateway.client.get("/api/models", headers: headers)
                _ = try await gateway.client.send(.post, "/api/models", body: [1], headers: headers)
                let lines = try gateway.logLines().map { try JSON.parse(Array($0.utf8)) }
                #expect(lines.count == 2)
                #expect(lines.allSatisfy { $0["client"]?.stringValue == client && $0["peer"] == "127.0.0.1" })
                #expect(hub.requests.count == 2)
                for request in hub.requests {
                    for name in ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Via"] {
                        #expect(request.headers[name] == nil)
                    }
                }
            }
        }
    }

    /// What a client is given for each kind of address that the gateway writes.
    @EventLoop private func written(
        _ change: (inout Settings) -> Void, basePath: String = "", headers: Headers
    ) async throws -> [String] {
        let store = try FakeHub(Response(.ok))
        defer { store.close() }
        let storeBase = store.origin.base
        let hub = try FakeHub { exchange, request in
            let hub = "https://\(request.headers["Host"] ?? "")"
            let json =
                request.target.path == Self.batch
                ? #"{"objects":[{"actions":{"download":{"href":"\#(storeBase)/object"}}}]}"#
                : #"{"url":"\#(hub)/api/x"}"#
            let type = request.target.path == Self.batch ? "application/vnd.git-lfs+json" : "application/json"
            exchange.send(
                Response(
                    .ok,
                    headers: ["Content-Type": type, "Location": "\(hub)/moved", "Link": "<\(hub)/next>; rel=\"next\""],
                    body: Array(json.utf8)))
        }
        defer { hub.close() }
        let origin = HubOrigin(
            base: hub.origin.base, trust: .pem(hub.certificate + store.certificate), token: hub.origin.token,
            contentOrigins: [storeBase])
        return try await withGateway(origin, change) { gateway in
            let api = try await gateway.client.get(basePath + "/api/models", headers: headers)
            var lfs = headers
            lfs.set("Content-Type", "application/vnd.git-lfs+json")
            let batch = try await gateway.client.send(
                .post, basePath + Self.batch, body: Array("{}".utf8), headers: lfs)
            let href =
                batch.json?["objects"]?.elements?.first?["actions"]?["download"]?["href"]?.stringValue ?? batch.text
            // Without what is signed.
            let signed = href.firstRange(of: "/-/signed/").map { String(href[..<$0.lowerBound]) } ?? href
            let home = try await gateway.client.get(basePath + "/", headers: headers)
            let export = home.text.split(separator: "\n").first { $0.contains("HF_ENDPOINT=") } ?? ""
            let link = api.headers["Link"]?.replacing("<", with: "").replacing("/next>; rel=\"next\"", with: "")
            return [
                api.headers["Location"]?.replacing("/moved", with: "") ?? "", link ?? "",
                api["url"]?.replacing("/api/x", with: "") ?? "",
                signed, export.replacing("export HF_ENDPOINT=", with: "").trimming(),
            ]
        }
    }

    @Test("Every address that the gateway writes begins with public_url, whatever the request says")
    @EventLoop func publicURL() async throws {
        let headers: Headers = ["X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"]
        let found = try await written(
            {
                $0.publicURL = try? UpstreamAddress(reading: "https://gate.example.org:8443/hf")
                $0.basePath = "/hf"
            }, basePath: "/hf", headers: headers)
        #expect(found == Array(repeating: "https://gate.example.org:8443/hf", count: 5))
    }

    @Test(
        "Without it, what a trusted proxy says counts",
        arguments: [
            (["X-Forwarded-Host": "gate.example.org", "X-Forwarded-Proto": "https"], "https://gate.example.org"),
            (["Forwarded": "for=203.0.113.9;host=\"gate.example.org:81\";proto=http"], "http://gate.example.org:81"),
        ] as [(Headers, String)])
    @EventLoop func forwarded(headers: Headers, expected: String) async throws {
        let found = try await written(Self.trusting("127.0.0.1"), headers: headers)
        #expect(found == Array(repeating: expected, count: 5))
        // Of any other client it does not.
        let other = try await written(Self.trusting("10.0.0.0/8"), headers: headers)
        #expect(Set(other).count == 1)
        #expect(other.allSatisfy { $0.hasPrefix("https://127.0.0.1:") }, "\(other)")
    }

    @Test("Our own page is ours by the name that its browser knows; a page of another site is not")
    @EventLoop func ownPages() async throws {
        let hub = try FakeHub(.whoAmI)
        let change: (inout Settings) -> Void = {
            $0.publicURL = try? UpstreamAddress(reading: "https://gate.example.org")
        }
        try await withGateway(hub, change) { gateway in
            let own = try await gateway.client.send(
                .post, "/api/x", body: [1], headers: ["Origin": "https://gate.example.org"])
            #expect(own.status == 200)
            let other = try await gateway.client.send(
                .post, "/api/x", body: [1], headers: ["Origin": "https://evil.example"])
            #expect(other.status == 403)
        }
    }

    @Test("Clients of different proxied names share no response that leads to one of them")
    @EventLoop func coalesced() async throws {
        let hub = try FakeHub { exchange, request in
            await EventLoop.sleep(milliseconds: 150)
            let body = #"{"url":"https://\#(request.headers["Host"] ?? "")/x"}"#
            exchange.send(Response(.ok, headers: ["Content-Type": "application/json"], body: Array(body.utf8)))
        }
        try await withGateway(hub, Self.trusting("127.0.0.1")) { gateway in
            @EventLoop func ask(_ name: String, _ client: String) async throws -> String? {
                let value = "for=\(client);host=\(name)"
                return try await gateway.client.get("/api/models/u/r", headers: ["Forwarded": value])["url"]
            }
            async let one = ask("one.example", "203.0.113.1")
            async let same = ask("one.example", "203.0.113.2")
            async let other = ask("two.example", "203.0.113.3")
            let answers = try await [one, same, other]
            #expect(answers == ["https://one.example/x", "https://one.example/x", "https://two.example/x"])
            #expect(hub.requests.count == 2)
        }
    }
}

extension StringProtocol {
    fileprivate func trimming() -> String { String(drop { $0 == " " || $0 == "'" }.prefix { $0 != " " && $0 != "'" }) }
}
