@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Synchronization
import Testing

@Suite("The sandbox's LFS and its CDN")
struct SandboxLFSTests {
    private static func oid(_ content: [UInt8]) -> String { Digest.openSSL.sha256Hex(content) }

    private static func url(_ caller: inout SandboxCaller) throws -> String {
        let answer = try caller.call(.get, "/sandbox/demo/resolve/main/model.safetensors")
        return try #require(answer.headers["Location"])
    }

    @Test("A small object is put at once, and verified")
    func basic() throws {
        var caller = SandboxCaller()
        let content: [UInt8] = [0, 1, 2, 3]
        let oid = Self.oid(content)
        let object = try #require(try caller.batch("upload", [(oid, 4)]).first)
        let href = try #require(object["actions"]?["upload"]?["href"]?.stringValue)
        #expect(href.hasPrefix("\(SandboxCaller.cdn)/uploads/"))
        #expect(
            object["actions"]?["verify"]?["href"]
                == .string("\(SandboxCaller.origin)/sandbox/demo.git/info/lfs/objects/verify"))
        let verify = { (caller: inout SandboxCaller) in
            try caller.send(
                .post, "/sandbox/demo.git/info/lfs/objects/verify", type: SandboxCaller.lfsType,
                "{\"oid\":\"\(oid)\",\"size\":4}")
        }
        #expect(try verify(&caller).status == .notFound)
        #expect(try caller.commit([SandboxCaller.linked("x.bin", oid)]).status == .badRequest)
        #expect(try caller.onCDN(.put, href, [:], [9, 9, 9, 9]).status == .badRequest)
        #expect(try caller.onCDN(.put, href, ["Transfer-Encoding": "chunked"], content).status == .notImplemented)
        let put = try caller.onCDN(.put, href, [:], content)
        #expect(put.status == .ok && put.headers.contains("ETag"))
        #expect(try verify(&caller).status == .ok)
        #expect(try caller.commit([SandboxCaller.linked("x.bin", oid)]).status == .ok)
        // What is there is not asked for again, and can be had.
        #expect(try caller.batch("upload", [(oid, 4)]).first?["actions"] == nil)
        let download = try #require(
            try caller.batch("download", [(oid, 4)]).first?["actions"]?["download"]?["href"]?.stringValue)
        #expect(try caller.onCDN(.get, download).body == content)
        #expect(try caller.batch("download", [(Self.oid([7]), 1)]).first?["error"]?["code"] == 404)
    }

    @Test("A large object is put in parts, and completed without a token")
    func multipart() throws {
        var caller = SandboxCaller()
        let content = [UInt8](repeating: 7, count: SandboxUploads.partBytes + 5)
        let oid = Self.oid(content)
        let upload = try #require(try caller.batch("upload", [(oid, content.count)]).first?["actions"]?["upload"])
        let size = SandboxUploads.partBytes
        #expect(upload["header"]?["chunk_size"] == .string("\(size)"))
        var etags: [JSON] = []
        for (index, part) in [content[..<size], content[size...]].enumerated() {
            let url = try #require(upload["header"]?["0000\(index + 1)"]?.stringValue)
            let etag = try #require(try caller.onCDN(.put, url, [:], Array(part)).headers["ETag"])
            etags.append(["partNumber": .integer(Int64(index + 1)), "etag": .string(etag)])
        }
        let href = try #require(upload["href"]?.stringValue)
        #expect(href.hasPrefix("\(SandboxCaller.origin)/api/complete_multipart?"))
        let complete = { (caller: inout SandboxCaller, parts: [JSON]) in
            let body: JSON = ["oid": .string(oid), "parts": .array(parts)]
            return try caller.send(
                .post, String(href.dropFirst(SandboxCaller.origin.count)), type: SandboxCaller.lfsType,
                String(decoding: body.encoded(), as: UTF8.self), token: nil)
        }
        #expect(try complete(&caller, [etags[0]]).status == .badRequest)
        #expect(try complete(&caller, etags.reversed()).status == .ok)
        #expect(try complete(&caller, etags).status == .badRequest)
        #expect(caller.hub.uploads.heldBytes == 0)
        #expect(try caller.batch("upload", [(oid, content.count)]).first?["actions"] == nil)
    }

    @Test("Without multipart among the transfers an object comes whole; too large a one not at all")
    func sizes() throws {
        var caller = SandboxCaller()
        let oid = Self.oid([1])
        let whole = try caller.batch("upload", [(oid, SandboxFile.longest)], transfers: ["basic"]).first
        #expect(whole?["actions"]?["upload"]?["header"] == nil && whole?["actions"]?["upload"] != nil)
        #expect(try caller.batch("upload", [(oid, SandboxFile.longest + 1)]).first?["error"]?["code"] == 422)
        #expect(try caller.batch("upload", [("../x", 1)]).first?["error"]?["code"] == 422)
    }

    @Test("Who may upload by Xet is told to, and to download by LFS")
    func xet() throws {
        var caller = SandboxCaller()
        let body =
            "{\"operation\":\"OPERATION\",\"transfers\":[\"basic\",\"xet\"],\"objects\":[{\"oid\":\"\(Self.oid([1]))\",\"size\":1}]}"
        for (operation, transfer) in [("upload", "xet"), ("download", "basic")] {
            let answer = try caller.send(
                .post, "/sandbox/demo.git/info/lfs/objects/batch", type: SandboxCaller.lfsType,
                body.replacing("OPERATION", with: operation))
            #expect(answer.json?["transfer"] == .string(transfer))
        }
    }

    @Test("The CDN refuses any Authorization, and is not the Hub")
    func authorization() throws {
        var caller = SandboxCaller()
        let url = try Self.url(&caller)
        for field in ["Bearer hf_sandbox", "Bearer x", "Basic eDp5"] {
            let refused = try caller.onCDN(.get, url, ["Authorization": field])
            #expect(refused.status == .badRequest && refused.headers["Content-Type"] == "application/xml")
        }
        let answer = try caller.onCDN(.head, url)
        #expect(answer.status == .ok && answer.body.count == 262_144)
        #expect(!answer.headers.contains("X-Repo-Commit") && !answer.headers.contains("RateLimit"))
        #expect(try caller.onCDN(.get, url, ["Range": "bytes=262143-"]).status == .partialContent)
        #expect(try caller.onCDN(.get, "\(SandboxCaller.cdn)/api/whoami-v2").status == .forbidden)
        let seen = caller.hub.journal.suffix(6)
        #expect(seen.allSatisfy { $0.place == .cdn })
        #expect(seen.map(\.hasAuthorization) == [true, true, true, false, false, false])
        #expect(seen.allSatisfy { !$0.target.contains("Signature=") || $0.target.contains("Signature=***") })
    }

    @Test(
        "A signature holds for one path, query, method and host",
        arguments: [
            ("/repos/", "/repos//"), ("%3B", "%3b"), ("Get+Object", "Get%20Object"), ("%2F", "/"),
            ("&x-id", "&y=1&x-id"),
            ("Expires=1", "Expires=2"), ("Signature=", "Signature=0"),
        ])
    func signature(part: String, replacement: String) throws {
        var caller = SandboxCaller()
        let url = try Self.url(&caller)
        #expect(url.contains(part))
        #expect(try caller.onCDN(.get, url.replacing(part, with: replacement)).status == .forbidden)
        #expect(try caller.onCDN(.put, url).status == .forbidden)
        #expect(try caller.onCDN(.get, url, ["Host": "sandbox.test:8443"]).status == .forbidden)
        #expect(try caller.onCDN(.get, url).status == .ok)
    }

    private final class Clock: Sendable {
        let seconds = Atomic<Int64>(Sandbox.opening)
    }

    @Test("A signature expires")
    func expiry() throws {
        let clock = Clock()
        var caller = SandboxCaller(now: { clock.seconds.load(ordering: .relaxed) })
        let url = try Self.url(&caller)
        clock.seconds.add(Sandbox.signatureLife, ordering: .relaxed)
        #expect(try caller.onCDN(.get, url).status == .ok)
        clock.seconds.add(1, ordering: .relaxed)
        #expect(try caller.onCDN(.get, url).status == .forbidden)
    }

    @Test("A download breaks off once, where a test wants it; a part of it does not")
    func cut() throws {
        var caller = SandboxCaller()
        let url = try Self.url(&caller)
        let etag = try #require(
            caller.call(.get, "/sandbox/demo/resolve/main/model.safetensors").headers["X-Linked-Etag"]
        ).filter {
            $0 != "\""
        }
        #expect(try caller.call(.post, "\(Sandbox.cutPath)?etag=\(etag)&after=100", token: nil).status == .ok)
        #expect(try caller.call(.post, "\(Sandbox.cutPath)?etag=\(etag)&after=-1").status == .badRequest)
        #expect(try !caller.onCDN(.head, url).headers.contains(Sandbox.cutField))
        #expect(try !caller.onCDN(.get, url, ["Range": "bytes=100-"]).headers.contains(Sandbox.cutField))
        #expect(try caller.onCDN(.get, url).headers[Sandbox.cutField] == "100")
        #expect(try !caller.onCDN(.get, url).headers.contains(Sandbox.cutField))
    }

    @Test("Begun uploads are bounded, and forgotten in time")
    func bounded() {
        var uploads = SandboxUploads()
        for number in 0..<(SandboxUploads.most + 5) {
            uploads.begin("\(number)", .init(serial: "s", oid: "o", size: 1, begun: Int64(number)), life: 3600)
            let isKept = uploads.put([1], etag: "e", as: 1, of: "\(number)")
            #expect(isKept)
        }
        #expect(uploads.heldBytes == SandboxUploads.most && uploads["4"] == nil && uploads["5"] != nil)
        let isBeyond = uploads.put([1], etag: "e", as: 2, of: "5")
        #expect(!isBeyond)
        uploads.begin("new", .init(serial: "s", oid: "o", size: 1, begun: 10_000), life: 3600)
        #expect(uploads.heldBytes == 0 && uploads["new"] != nil)
    }

    @Test("A full sandbox takes no more, and has room again when something is deleted")
    func full() throws {
        var caller = SandboxCaller()
        // One buffer, counted as often as it is stored.
        let content = [UInt8](repeating: 7, count: SandboxFile.longest)
        var repo = try #require(caller.hub.repos[.init(kind: .model, id: try RepoID("sandbox/demo"))])
        for number in 1..<8 { repo.history.store(content, as: "\(number)") }
        caller.hub.repos.update(repo)
        let object = try caller.batch("upload", [(Self.oid(content), content.count)], transfers: ["basic"]).first
        let href = try #require(object?["actions"]?["upload"]?["href"]?.stringValue)
        #expect(try caller.onCDN(.put, href, [:], content).status.code == 507)
        #expect(try caller.commit([SandboxCaller.file("a", "b")]).status == .ok)
        #expect(try caller.call(.delete, "/api/repos/delete", ["name": "demo"]).status == .ok)
        #expect(caller.hub.repos.heldBytes < 1 << 20)
    }
}
