@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Synchronization
import Testing

@Suite("The sandbox's Xet")
struct SandboxXetTests {
    private static let xorbPath = "/v1/xorbs/default/\(XetSamples.textXorbHash)"
    private static let filePath = "/v2/reconstructions/\(XetSamples.textFileHash)"

    /// The sample, uploaded and committed.
    private static func upload(_ caller: inout SandboxCaller) throws {
        let token = try caller.xetToken()
        #expect(
            try caller.onCAS(.post, xorbPath, token: token, [:], XetSamples.textXorb).json == ["was_inserted": true])
        #expect(try caller.onCAS(.post, "/v1/shards", token: token, [:], XetSamples.textShard).status == .ok)
        let commit = try caller.commit([SandboxCaller.linked("text.bin", XetSamples.textSHA256)])
        #expect(commit.status == .ok)
    }

    @Test("The token comes in fields and in the body, with the address of another origin")
    func token() throws {
        var caller = SandboxCaller()
        let answer = try caller.call(.get, "/api/models/sandbox/demo/xet-read-token/main", token: nil)
        #expect(answer.headers["X-Xet-Cas-Url"] == SandboxCaller.cas)
        #expect(answer.json?["casUrl"] == .string(SandboxCaller.cas))
        #expect(answer.headers["X-Xet-Access-Token"] == answer.json?["accessToken"]?.stringValue)
        #expect(answer.json?["exp"] == .integer(Sandbox.opening + Sandbox.signatureLife))
        #expect(answer.headers["X-Xet-Token-Expiration"] == String(Sandbox.opening + Sandbox.signatureLife))
    }

    @Test(
        "Who may not read or write gets no token for it",
        arguments: [
            ("write", "models/sandbox/demo/x/main", nil, 401), ("write", "models/sandbox/demo/x/main", "hf_other", 403),
            ("write", "models/sandbox/demo/x/main", "hf_sandbox_read", 403),
            ("read", "models/other/secret/x/main", "hf_sandbox", 404), ("read", "models/sandbox/no/x/main", nil, 401),
            ("read", "models/sandbox/demo/x/no", "hf_sandbox", 404),
            ("write", "models/sandbox/demo/x/no", "hf_sandbox", 404),
            ("write", "models/sandbox/demo/x/main?create_pr=1", "hf_other", 200),
        ] as [(String, String, String?, Int)])
    func refusedToken(scope: String, path: String, token: String?, status: Int) throws {
        var caller = SandboxCaller()
        let target = "/api/" + path.replacing("/x/", with: "/xet-\(scope)-token/")
        #expect(try caller.call(.get, target, token: token).status.code == status)
    }

    @Test("A file that came by Xet is in the tree, and comes back by Xet, by resolve and by LFS")
    func upload() throws {
        var caller = SandboxCaller()
        try Self.upload(&caller)
        guard case .array(let entries)? = try caller.call(.get, "/api/models/sandbox/demo/tree/main").json else {
            throw SandboxRefusal.noSuchPage
        }
        let entry = try #require(entries.first { $0["path"] == "text.bin" })
        #expect(entry["xetHash"] == .string(XetSamples.textFileHash) && entry["size"] == 480)

        let resolved = try caller.call(.head, "/sandbox/demo/resolve/main/text.bin")
        #expect(resolved.headers["X-Xet-Hash"] == XetSamples.textFileHash)
        let sha = try #require(resolved.headers["X-Repo-Commit"])
        #expect(
            resolved.headers["Link"]
                == "<\(SandboxCaller.origin)/api/models/sandbox/demo/xet-read-token/\(sha)>; rel=\"xet-auth\", "
                + "<\(SandboxCaller.cas)/v1/reconstructions/\(XetSamples.textFileHash)>; rel=\"xet-reconstruction-info\""
        )
        let location = try #require(resolved.headers["Location"])
        #expect(try caller.onCDN(.get, location).body == XetSamples.text)
        #expect(try caller.onCDN(.get, location, ["Range": "bytes=478-"]).body == Array("; ".utf8))
        let object = try caller.batch("download", [(XetSamples.textSHA256, 480)]).first
        #expect(object?["actions"]?["download"] != nil)

        let plan = try caller.onCAS(.get, Self.filePath, token: caller.xetToken("read"))
        guard case .array(let fetches)? = plan.json?["xorbs"]?[XetSamples.textXorbHash] else {
            throw SandboxRefusal.noSuchPage
        }
        let url = try #require(fetches.first?["url"]?.stringValue)
        #expect(try caller.onCDN(.get, url, ["Range": "bytes=0-75"]).body == XetSamples.textXorb)
        #expect(try caller.onCDN(.get, url).status == .forbidden)
        #expect(try caller.onCDN(.get, url, ["Range": "bytes=0-74"]).status == .forbidden)
    }

    @Test("A store takes its own tokens alone, each for its repository, its scope and its time")
    func authorization() throws {
        let clock = Clock()
        var caller = SandboxCaller(now: { clock.seconds.load(ordering: .relaxed) })
        try Self.upload(&caller)
        let (read, write) = (try caller.xetToken("read"), try caller.xetToken())
        let other = try caller.xetToken("read", repo: "models/other/shared")
        let before = caller.hub.journal.count
        #expect(try caller.onCAS(.get, Self.filePath, token: nil).status == .unauthorized)
        #expect(try caller.onCAS(.get, Self.filePath, token: "hf_sandbox").status == .unauthorized)
        let forged = try #require(read?.replacing("_read_", with: "_write_"))
        #expect(try caller.onCAS(.post, Self.xorbPath, token: forged).status == .unauthorized)
        #expect(try caller.onCAS(.post, Self.xorbPath, token: read).status == .forbidden)
        #expect(try caller.onCAS(.get, Self.filePath, token: other).status == .notFound)
        #expect(try caller.onCAS(.get, Self.filePath, token: write).status == .ok)
        #expect(try caller.call(.get, "/api/whoami-v2", token: write).status == .unauthorized)
        let seen = caller.hub.journal[before...]
        #expect(seen.map(\.credential) == ["none", "sandbox", "unknown", "xet", "xet", "xet", "xet"])
        #expect(seen.map(\.place) == [.cas, .cas, .cas, .cas, .cas, .cas, .hub])
        #expect(!seen.contains { String(describing: $0).contains("xet_") })
        clock.seconds.add(Sandbox.signatureLife + 1, ordering: .relaxed)
        #expect(try caller.onCAS(.get, Self.filePath, token: write).status == .unauthorized)
    }

    @Test("Part of a file is planned for, and none behind its end")
    func range() throws {
        var caller = SandboxCaller()
        try Self.upload(&caller)
        let token = try caller.xetToken("read")
        for (field, offset) in [("bytes=4-9", 4), ("bytes=100-", 100), ("bytes=479-100000", 479)] {
            let plan = try caller.onCAS(.get, Self.filePath, token: token, ["Range": field])
            #expect(plan.json?["offset_into_first_range"] == .integer(Int64(offset)))
        }
        #expect(
            try caller.onCAS(.get, Self.filePath, token: token, ["Range": "bytes=480-"]).status == .rangeNotSatisfiable)
        for field in ["bytes=-5", "bytes=a-b", "lines=1-2", "bytes=1-2-3"] {
            #expect(try caller.onCAS(.get, Self.filePath, token: token, ["Range": field]).status == .badRequest)
        }
    }

    @Test("What came by LFS is wrapped when Xet asks, and what came by Xet is when its xorb is forgotten")
    func wrapped() throws {
        let clock = Clock()
        var caller = SandboxCaller(now: { clock.seconds.load(ordering: .relaxed) })
        try Self.upload(&caller)
        clock.seconds.add(2 * Sandbox.signatureLife, ordering: .relaxed)
        caller.hub.xorbs.forget(before: clock.seconds.load(ordering: .relaxed))
        #expect(caller.hub.xorbs.heldBytes == 0)
        for (path, size) in [("text.bin", 480), ("model.safetensors", 262_144)] {
            let resolved = try caller.call(.head, "/sandbox/demo/resolve/main/\(path)")
            let hash = try #require(resolved.headers["X-Xet-Hash"])
            let plan = try caller.onCAS(.get, "/v1/reconstructions/\(hash)", token: caller.xetToken("read"))
            guard case .object(let infos)? = plan.json?["fetch_info"], case .array(let fetches)? = infos.values.first
            else { throw SandboxRefusal.noSuchPage }
            let url = try #require(fetches.first?["url"]?.stringValue)
            let length = size + 8 * ((size + 65535) / 65536)
            let answer = try caller.onCDN(.get, url, ["Range": "bytes=0-\(length - 1)"])
            let xorb = try SandboxXorb(answer.body)
            let location = try #require(resolved.headers["Location"])
            #expect(try xorb.chunks.flatMap { try xorb.unpack($0) } == caller.onCDN(.get, location).body)
        }
    }

    @Test("Several ranges come as a multipart")
    func multipart() throws {
        var caller = SandboxCaller()
        let bytes = XetSamples.chunk([1]) + XetSamples.chunk([2]) + XetSamples.chunk([3])
        caller.hub.xorbs.store(try SandboxXorb(bytes), as: XetSamples.textXorbHash, at: Sandbox.opening)
        let url = caller.hub.signed(
            "/xorbs/default/\(XetSamples.textXorbHash)", "\(Sandbox.signedRange)=bytes%3D0-8%2C18-26", for: .get)
        let answer = try caller.onCDN(.get, url, ["Range": "bytes=0-8,18-26"])
        #expect(answer.status == .partialContent)
        #expect(answer.headers["Content-Type"]?.hasPrefix("multipart/byteranges; boundary=") == true)
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.contains("Content-Range: bytes 0-8/27\r\n\r\n") && text.contains("bytes 18-26/27\r\n\r\n"))
        #expect(try caller.onCDN(.get, url, ["Range": "bytes=18-26"]).body == XetSamples.chunk([3]))
        #expect(try caller.onCDN(.get, url, ["Range": "bytes=9-17"]).status == .forbidden)
    }

    @Test("What is malformed, or made of what is not there, is refused")
    func refused() throws {
        var caller = SandboxCaller()
        let token = try caller.xetToken()
        let post = { (caller: inout SandboxCaller, path: String, body: [UInt8]) in
            try caller.onCAS(.post, path, token: token, [:], body).status
        }
        #expect(try post(&caller, Self.xorbPath, [1, 2, 3]) == .badRequest)
        #expect(try post(&caller, "/v1/xorbs/default/abc", XetSamples.textXorb) == .badRequest)
        #expect(try post(&caller, Self.xorbPath.uppercased(), XetSamples.textXorb) == .notFound)
        #expect(try post(&caller, "/v1/shards", XetSamples.textShard) == .badRequest, "its xorb is not there")
        #expect(try post(&caller, Self.xorbPath, XetSamples.numbersXorb) == .ok)
        #expect(try post(&caller, "/v1/shards", XetSamples.textShard) == .badRequest, "it is another one")
        // The first one counts, as the store cannot tell.
        let again = try caller.onCAS(.post, Self.xorbPath, token: token, [:], XetSamples.textXorb)
        #expect(again.json == ["was_inserted": false])
        #expect(try caller.onCAS(.get, Self.filePath, token: token).status == .notFound)
        #expect(try caller.commit([SandboxCaller.linked("x.bin", XetSamples.textSHA256)]).status == .badRequest)
    }

    @Test("A shard whose SHA-256 is another than its chunks' is refused")
    func anotherContent() throws {
        var caller = SandboxCaller()
        let token = try caller.xetToken()
        _ = try caller.onCAS(.post, Self.xorbPath, token: token, [:], XetSamples.textXorb)
        var shard = XetSamples.textShard
        shard[192] ^= 1
        #expect(try caller.onCAS(.post, "/v2/shards", token: token, [:], shard).status == .badRequest)
        let stream = try caller.onCAS(.post, "/v2/shards", token: token, [:], XetSamples.textShard)
        #expect(stream.headers["Content-Type"] == "application/x-ndjson")
        #expect(
            stream.body.split(separator: UInt8(ascii: "\n")).last.map(Array.init)
                == Array("{\"type\":\"result\",\"result\":1}".utf8))
    }

    @Test("A xorb goes to the CDN where that is granted, and counts when the client says so")
    func grants() throws {
        var caller = SandboxCaller()
        let token = try caller.xetToken()
        let path = "/v1/xorb-grants/default/\(XetSamples.textXorbHash)"
        let order = Array("{\"length\":76,\"checksum\":{\"algo\":\"crc64nvme\",\"value\":\"12\"}}".utf8)
        let ask = { (caller: inout SandboxCaller) in
            try caller.onCAS(.post, path, token: token, ["Content-Type": "application/json"], order)
        }
        #expect(try ask(&caller).status == .notFound)
        #expect(try caller.call(.post, "\(Sandbox.xorbGrantsPath)?on=1", token: nil).status == .ok)
        let grant = try ask(&caller)
        #expect(grant.status == .created && grant.json?["method"] == "PUT")
        let url = try #require(grant.json?["url"]?.stringValue)
        let id = try #require(grant.json?["id"]?.stringValue)
        let commit = "/v1/xorb-commits/default/\(XetSamples.textXorbHash)/grant/\(id)"
        #expect(try caller.onCAS(.post, commit, token: token).status == .notFound)
        let field: Headers = ["x-amz-checksum-crc64nvme": "12"]
        #expect(try caller.onCDN(.put, url, [:], XetSamples.textXorb).status == .badRequest)
        #expect(try caller.onCDN(.put, url, field, XetSamples.numbersXorb).status == .badRequest)
        #expect(try caller.onCDN(.put, url, field, XetSamples.textXorb).status == .ok)
        #expect(try caller.onCDN(.put, url, field, XetSamples.textXorb).status == .ok)
        #expect(caller.hub.xorbs[XetSamples.textXorbHash] == nil)
        #expect(try caller.onCAS(.post, commit, token: token).status == .ok)
        #expect(try caller.onCAS(.post, commit, token: token).status == .notFound)
        #expect(try ask(&caller).status == .ok, "it is there")
        #expect(caller.hub.xorbs.heldBytes == SandboxXorbStore.size(of: try SandboxXorb(XetSamples.textXorb)))
    }

    @Test("A full sandbox forgets old xorbs, and takes no more when that does not help")
    func full() throws {
        let clock = Clock()
        var caller = SandboxCaller(now: { clock.seconds.load(ordering: .relaxed) })
        let token = try caller.xetToken()
        let xorb = SandboxXorb(wrapping: [UInt8](repeating: 7, count: 60 << 20))
        for number in 0..<8 { caller.hub.xorbs.store(xorb, as: "\(number)", at: Sandbox.opening) }
        let put = { (caller: inout SandboxCaller) in
            try caller.onCAS(.post, Self.xorbPath, token: token, [:], xorb.bytes).status
        }
        #expect(try put(&caller).code == 507)
        clock.seconds.add(Sandbox.signatureLife, ordering: .relaxed)
        #expect(try put(&caller).code == 507)
        clock.seconds.add(1, ordering: .relaxed)
        let later = try caller.xetToken()
        #expect(try caller.onCAS(.post, Self.xorbPath, token: later, [:], xorb.bytes).status == .ok)
        #expect(caller.hub.xorbs.heldBytes == SandboxXorbStore.size(of: xorb))
    }

    private final class Clock: Sendable {
        let seconds = Atomic<Int64>(Sandbox.opening)
    }
}
