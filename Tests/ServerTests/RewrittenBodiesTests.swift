@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Which answers are rewritten, and what each of their members becomes.
@Suite("Rewritten bodies")
struct RewrittenBodiesTests {
    private func rewritten(
        _ body: String, _ method: HTTP.Method, _ path: String, _ xet: Xet = .carry, ofXet: Bool = false
    ) throws -> JSON {
        let request = Request(method: method, target: try Target(hub: path))
        let rules =
            ofXet ? RewrittenBodies.rulesOfXet(for: method, request.target) : RewrittenBodies.rules(for: request, xet)
        let rewrite = Rewrite.example(xet)
        var rewriter = JSONRewriter(try #require(rules)) { (url, change) throws(Failure) in
            try rewrite.replacement(for: url, change)
        }
        let bytes = Array(body.utf8)
        return try JSON.parse((try rewriter.rewrite(bytes.span) ?? bytes) + (try rewriter.finish()))
    }

    private let batch = "/datasets/u/r.git/info/lfs/objects/batch"

    @Test("Parts are signed for writing, their end for the Hub without a credential, and verifying asks the Hub")
    func multipart() throws {
        let answer = try rewritten(
            """
            {"transfer":"multipart","objects":[{"oid":"0","size":9,"actions":{
            "upload":{"href":"https://huggingface.co/api/complete_multipart?uploadId=1&signature=x",
            "header":{"chunk_size":"5","00001":"https://hf-hub-lfs-us-east-1.s3-accelerate.amazonaws.com/p?partNumber=1",
            "2":"https://cdn.hf.co/p?partNumber=2","X-Amz-Meta":"https://other.example/"}},
            "verify":{"href":"https://huggingface.co/u/r.git/info/lfs/objects/verify"}}}]}
            """, .post, batch)
        let actions = answer["objects"]?.elements?.first?["actions"]
        let (upload, header) = (actions?["upload"], actions?["upload"]?["header"])
        let rewrite = Rewrite.example
        #expect(
            try rewrite.opened(upload?["href"]?.stringValue, .post)
                == "complete https://huggingface.co/api/complete_multipart?uploadId=1&signature=x")
        #expect(
            try rewrite.opened(header?["00001"]?.stringValue, .put)
                == "upload https://hf-hub-lfs-us-east-1.s3-accelerate.amazonaws.com/p?partNumber=1")
        #expect(try rewrite.opened(header?["2"]?.stringValue, .put) == "upload https://cdn.hf.co/p?partNumber=2")
        #expect(header?["chunk_size"] == "5" && header?["X-Amz-Meta"] == "https://other.example/")
        #expect(actions?["verify"]?["href"] == "https://gate:8080/u/r.git/info/lfs/objects/verify")
        #expect(answer["transfer"] == "multipart")
    }

    @Test("An object is signed for writing in the one response and for reading in the other")
    func basic() throws {
        let up = try rewritten(
            #"{"objects":[{"actions":{"upload":{"href":"https://cdn.hf.co/o?x=1"}}}]}"#, .post, batch)
        let upload = up["objects"]?.elements?.first?["actions"]?["upload"]?["href"]?.stringValue
        #expect(try Rewrite.example.opened(upload, .put) == "upload https://cdn.hf.co/o?x=1")
        let down = try rewritten(
            #"{"objects":[{"actions":{"download":{"href":"https://cdn.hf.co/o?x=1","expires_in":9}}}]}"#, .post, batch)
        let download = down["objects"]?.elements?.first?["actions"]?["download"]?["href"]?.stringValue
        #expect(try Rewrite.example.opened(download, .head) == "read https://cdn.hf.co/o?x=1")
    }

    @Test(
        "An address that the client's token or bytes would go to, and that is not the Hub's, is an error",
        arguments: [
            #"{"verify":{"href":"https://evil.example/x"}}"#, #"{"verify":{"href":"https://cdn.hf.co/x"}}"#,
            #"{"upload":{"href":"//evil.example/x"}}"#, #"{"upload":{"href":"http://cdn.hf.co/x"}}"#,
            #"{"download":{"href":"https://cdn.hf.co@evil.example/x"}}"#,
            #"{"upload":{"header":{"1":"https:\/\/evil.example/x"}}}"#,
            #"{"download":{"href":"https://evil.example\u0000.hf.co/x"}}"#,
        ])
    func elsewhere(_ body: String) {
        #expect(throws: Failure.self) { try rewritten(body, .post, batch) }
    }

    @Test(
        "Xet's server is signed where a client asks for it, if Xet is carried",
        arguments: [
            "/api/models/u/r/xet-read-token/main", "/api/models/u/r/xet-write-token/main",
            "/api/buckets/u/b/xet-read-token", "/api/buckets/u/b/xet-write-token",
        ])
    func xetToken(_ path: String) throws {
        let body = #"{"casUrl":"https://cas-server.xethub.hf.co/","exp":1,"accessToken":"x"}"#
        let answer = try rewritten(body, .get, path)
        let server = answer["casUrl"]?.stringValue
        #expect(
            try Rewrite.example.opened(server.map { "\($0)/v2/shards" }, .post)
                == "base https://cas-server.xethub.hf.co/v2/shards")
        #expect(answer["exp"] == 1 && answer["accessToken"] == "x")
        let request = Request(method: .get, target: try Target(hub: path))
        #expect(RewrittenBodies.rules(for: request, .pass).map { JSONFieldRule.areOfURLs($0) } == true)
    }

    @Test("Where the pieces of a file are is signed, in both versions of the response")
    func reconstruction() throws {
        let first = try rewritten(
            #"{"terms":[],"fetch_info":{"ab":[{"range":{"start":0,"end":4},"url":"https://transfer.xethub.hf.co/ab?s=1"}]}}"#,
            .get, "/v1/reconstructions/00", ofXet: true)
        let url = first["fetch_info"]?["ab"]?.elements?.first?["url"]?.stringValue
        #expect(try Rewrite.example.opened(url, .get) == "read https://transfer.xethub.hf.co/ab?s=1")
        let second = try rewritten(
            #"{"xorbs":{"ab":[{"url":"https://transfer.xethub.hf.co/ab?s=1","ranges":[]}]}}"#, .get,
            "/v2/reconstructions/00", ofXet: true)
        let other = second["xorbs"]?["ab"]?.elements?.first?["url"]?.stringValue
        #expect(try Rewrite.example.opened(other, .get) == "read https://transfer.xethub.hf.co/ab?s=1")
        let grant = try rewritten(
            #"{"upload_url":"https://cdn.hf.co/ab?s=1"}"#, .post, "/v1/xorb-grants/default/ab", ofXet: true)
        #expect(try Rewrite.example.opened(grant["upload_url"]?.stringValue, .put) == "upload https://cdn.hf.co/ab?s=1")
    }

    @Test("Hidden, lists of files do not show what is in Xet")
    func hidden() throws {
        let body = #"[{"path":"a","xetHash":"ab","lfs":{"oid":"0"}},{"path":"b"}]"#
        for (method, path) in [
            (HTTP.Method.get, "/api/models/u/r/tree/main/a%2Fb"), (.post, "/api/models/u/r/paths-info/main"),
        ] {
            let wanted: JSON = [["path": "a", "lfs": ["oid": "0"]], ["path": "b"]]
            #expect(try rewritten(body, method, path, .hide) == wanted)
            let request = Request(method: method, target: try Target(hub: path))
            #expect(RewrittenBodies.rules(for: request, .carry).map { JSONFieldRule.areOfURLs($0) } == true)
        }
    }

    @Test(
        "Files, what a model says and heads go by unread",
        arguments: [
            (.get, "/u/r/resolve/main/f.json"), (.get, "/u/r/raw/main/f.json"), (.get, "/u/r/media/main/f.json"),
            (.head, "/api/models/u/r/discussions"), (.get, "/u/commit/resolve/main/f.json"),
            (.get, "/api/resolve-cache/models/u/r/0123/xet-read-token/f.json"),
            (.get, "/api/datasets/u/r/resolve/main/f.json"), (.post, "/v1/chat/completions"),
            (.post, "/api/inference-proxy/x"),
        ] as [(HTTP.Method, String)])
    func others(_ method: HTTP.Method, _ path: String) throws {
        let request = Request(method: method, target: try Target(hub: path))
        #expect(RewrittenBodies.rules(for: request, .carry) == nil)
    }

    @Test(
        "In all other responses a string that is a URL is turned round",
        arguments: [
            (.get, "/api/models"), (.get, "/api/models/u/r"), (.post, "/api/models/u/r/preupload/main"),
            (.get, "/datasets/u/r.git/info/lfs/objects/batch"), (.get, "/api/datasets/o/d/parquet"),
            (.get, "/oauth/userinfo"), (.delete, "/api/repos/delete"),
            // Repositories and people may be called so.
            (.get, "/api/models/u/resolve"), (.get, "/api/models/raw/r"), (.get, "/api/models/u/raw/tree/main"),
        ] as [(HTTP.Method, String)])
    func byValue(_ method: HTTP.Method, _ path: String) throws {
        let body = #"{"any":["https://huggingface.co/x","https://cdn.hf.co/x"]}"#
        let strings = try rewritten(body, method, path)["any"]?.elements?.map(\.stringValue)
        #expect(strings?.first == "https://gate:8080/x")
        let store = try #require(strings?.last)
        if method == .get {
            #expect(try Rewrite.example.opened(store, .get) == "read https://cdn.hf.co/x")
        } else {
            #expect(store == "https://cdn.hf.co/x")
        }
    }

    @Test("JSON that is compressed all the same is an error, not a leak")
    func compressed() throws {
        func fits(_ headers: Headers) throws(Failure) -> Bool {
            try RewrittenBodies.fits(Transfer.Head(status: .ok, headers: headers), isPlain: true)
        }
        #expect(try fits(["Content-Type": "application/vnd.git-lfs+json; charset=utf-8"]))
        var twice: Headers = ["Content-Type": "application/json", "Content-Encoding": "identity"]
        twice.append("content-encoding", "gzip")
        #expect(throws: Failure.self) { try fits(twice) }
        var types: Headers = ["Content-Type": "text/plain"]
        types.append("Content-Type", "Application/JSON")
        #expect(try fits(types))
        #expect(try !fits(["Content-Type": "text/plain", "Content-Encoding": "gzip"]))
        #expect(throws: Failure.self) { try fits(["Content-Type": "application/json", "Content-Encoding": "gzip"]) }
        var two: Headers = ["Content-Type": "application/json", "Content-Encoding": "identity"]
        two.append("Content-Encoding", "gzip")
        #expect(throws: Failure.self) { try fits(two) }
    }

    @Test("Where a client may have any form, JSON that comes compressed or in parts is left as it is")
    func elsewhere() throws {
        func fits(_ status: Status, _ headers: Headers) throws(Failure) -> Bool {
            try RewrittenBodies.fits(Transfer.Head(status: status, headers: headers), isPlain: false)
        }
        #expect(try fits(.ok, ["Content-Type": "application/json"]))
        #expect(try !fits(.ok, ["Content-Type": "application/json", "Content-Encoding": "gzip"]))
        #expect(try !fits(Status(206), ["Content-Type": "application/json"]))
        #expect(RewrittenBodies.areExpected(at: try Target(hub: "/api/models")))
        #expect(RewrittenBodies.areExpected(at: try Target(hub: "/u/r.git/info/lfs/objects/batch")))
        #expect(!RewrittenBodies.areExpected(at: try Target(hub: "/u/r.git/info/refs")))
    }
}
