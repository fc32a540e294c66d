@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What becomes of Xet in what the Hub answers, by the setting.
@Suite("Xet")
struct XetTests {
    private static let auth = "https://huggingface.co/api/models/u/r/xet-read-token/0123"
    private static let reconstruction = "https://cas-server.xethub.hf.co/v1/reconstructions/ab12?x=%20"

    private func answer(_ xet: Xet) throws -> Headers {
        var headers: Headers = [
            "X-Repo-Commit": "0123", "X-Xet-Hash": "ab12", "X-Xet-Refresh-Route": Self.auth,
            "X-Xet-Cas-Url": "https://cas-server.xethub.hf.co", "X-Xet-Access-Token": "xet",
            "Link": #"<\#(Self.auth)>; rel="xet-auth", <\#(Self.reconstruction)>; rel="xet-reconstruction-info""#,
        ]
        headers.append("Link", #"<https://huggingface.co/x?cursor=1>; rel="next""#)
        try Rewrite.example(xet).apply(to: &headers)
        return headers
    }

    @Test("Carried, all of it leads here, and Xet's server is signed as a base")
    func carry() throws {
        let headers = try answer(.carry)
        let moved = "https://gate:8080/api/models/u/r/xet-read-token/0123"
        #expect(headers["X-Xet-Refresh-Route"] == moved)
        #expect(headers["X-Xet-Hash"] == "ab12" && headers["X-Xet-Access-Token"] == "xet")
        let server = try #require(headers["X-Xet-Cas-Url"])
        #expect(
            try Rewrite.example.opened(server + "/v1/x?y", .post) == "base https://cas-server.xethub.hf.co/v1/x?y")
        let links = headers.values(of: "Link").flatMap(Link.list)
        #expect(links.map(\.relations) == [["xet-auth"], ["xet-reconstruction-info"], ["next"]])
        #expect(String(links[0].target) == moved && String(links[2].target) == "https://gate:8080/x?cursor=1")
        #expect(try Rewrite.example.opened(String(links[1].target), .get) == "base \(Self.reconstruction)")
    }

    @Test("Hidden, nothing of it is left, and all else stays")
    func hide() throws {
        let headers = try answer(.hide)
        #expect(headers.count == 2 && headers["X-Repo-Commit"] == "0123")
        #expect(headers.values(of: "Link") == [#"<https://gate:8080/x?cursor=1>; rel="next""#])
    }

    @Test("Passed, its servers' addresses stay, and the Hub's lead here")
    func pass() throws {
        let headers = try answer(.pass)
        #expect(headers["X-Xet-Cas-Url"] == "https://cas-server.xethub.hf.co")
        let links = headers.values(of: "Link").flatMap(Link.list)
        #expect(links[0].target.hasPrefix("https://gate:8080/") && links[1].target == Self.reconstruction)
    }

    @Test("A server of Xet's that is not one of the Hub's is an error where it is carried", arguments: Xet.allCases)
    func elsewhere(_ xet: Xet) {
        for (name, value) in [
            ("X-Xet-Cas-Url", "https://evil.example"),
            ("Link", #"<https://evil.example/x>; rel="xet-reconstruction-info""#),
        ] {
            let result = Result { () throws(Failure) in
                var headers: Headers = [name: value]
                try Rewrite.example(xet).apply(to: &headers)
            }
            if case .failure(let failure) = result {
                #expect(xet == .carry && failure == .contentElsewhere("evil.example"))
            } else {
                #expect(xet != .carry)
            }
        }
    }

    @Test(
        "Hidden, nobody is let into Xet, and the question where in Xet a file is becomes one for the file",
        arguments: [
            ("application/vnd.xet-fileinfo+json, */*", " */*"), ("Application/vnd.XET-fileinfo+json", "*/*"),
            ("text/html,application/vnd.xet-fileinfo+json;q=1,*/*", "text/html,*/*"), ("*/*", "*/*"),
        ])
    func requests(_ accept: String, _ wanted: String) throws {
        var request = Request(method: .get, target: try Target(hub: "/u/r/resolve/main/f"), headers: ["Accept": accept])
        try HiddenXet.prepare(&request)
        #expect(request.headers["Accept"] == wanted)
        for kind in ["read", "write"] {
            var request = Request(
                method: .get, target: try Target(hub: "/api/models/u/r/xet-\(kind)-token/main?create_pr=1"))
            #expect(throws: Failure.xetHidden) { try HiddenXet.prepare(&request) }
        }
    }

    @Test(
        "Carried for uploads, it shows where a client is let in to write, in buckets, and below what was signed",
        arguments: [
            ("/api/models/u/r/xet-write-token/main?create_pr=1", Xet.carry),
            ("/api/models/r/xet-write-token/main", .carry),
            ("/api/buckets/u/b/xet-read-token", .carry), ("/api/buckets/u/b/tree", .carry),
            ("/buckets/u/b/resolve/f", .carry),
            ("/-/signed/b1.x/y/v1/xorbs/0", .carry), ("/api/models/u/r/xet-read-token/main", .hide),
            ("/u/r/resolve/main/xet-write-token", .hide), ("/u/r/resolve/main/f", .hide),
            ("/api/models/u/r/tree/main", .hide),
            ("/api/resolve-cache/models/u/r/0/xet-write-token", .hide),
            ("/api/models/u/r/tree/main/xet-write-token", .hide),
        ])
    func uploads(_ path: String, _ wanted: Xet) throws {
        let target = try Target(hub: path)
        #expect(XetChoice.uploads.view(of: target) == wanted)
        #expect(XetChoice.hide.view(of: target) == .hide && XetChoice.carry.view(of: target) == .carry)
        #expect(XetChoice.pass.view(of: target) == .pass)
    }

    @Test("Left alone, it is carried, and with a file cache for uploads alone")
    func byDefault() {
        var settings = Settings()
        #expect(settings.xet == .auto && settings.xetInUse == .carry)
        settings.cacheDirectory = "/var/cache/hubgate"
        #expect(settings.xetInUse == .uploads)
        for choice in XetChoice.allCases where choice != .auto {
            settings.xet = choice
            #expect(settings.xetInUse == choice)
        }
    }

    @Test(
        "Only a token of Xet's goes to Xet's server, and no cookie anywhere",
        arguments: [
            ("Bearer eyJxet", "Bearer eyJxet"), ("bearer eyJxet", "Bearer eyJxet"), ("Bearer hf_abc", nil),
            ("Bearer api_org_x", nil), ("Basic dXNlcjp4", nil), ("Bearer", nil), ("Bearer a b", nil),
            ("Bearer \(Secret.example.reveal())", nil), ("Bearer own", nil),
        ] as [(String, String?)])
    func credentials(_ sent: String, _ wanted: String?) throws {
        let own = try Secret(Array("own".utf8))
        let request = Request(
            method: .get, target: .root,
            headers: [
                "Authorization": sent, "Cookie": "a=b", "Range": "bytes=0-1,5-6", "User-Agent": "x", "Host": "gate",
                "X-Forwarded-For": "::1", "X-Amzn-Trace-Id": "1", "x-amz-meta-a": "b", "Content-Type": "a/b",
            ])
        func headers(_ use: SignedURLCodec.Use) -> Headers {
            SignedURLRequest.headers(of: request, for: use) { $0 == own }
        }
        let below = headers(.base)
        #expect(below["Authorization"] == wanted)
        #expect(below["Cookie"] == nil && below["Host"] == nil && below["X-Forwarded-For"] == nil)
        #expect(below["Range"] == "bytes=0-1,5-6")
        #expect(headers(.read) == ["Range": "bytes=0-1,5-6", "User-Agent": "x"])
        #expect(headers(.upload) == ["User-Agent": "x", "x-amz-meta-a": "b", "Content-Type": "a/b"])
        #expect(headers(.complete) == ["User-Agent": "x", "Content-Type": "a/b"])
    }
}
