@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The sandbox's files")
struct SandboxFilesTests {
    @Test("Everything has the id that git gives it")
    func gitIDs() {
        let digest = Digest.openSSL
        let one = SandboxFile(regular: Array("hello\n".utf8), digest)
        let tree = SandboxTree(["a/b.txt": one, "a.txt": one, "a-c": one], digest)
        let commit = SandboxCommit(of: tree, after: nil, by: "sandbox", title: "One", at: Sandbox.opening, digest)
        #expect(one.oid == "ce013625030ba8dba906f756967f9e9ca394464a")
        // git mktree, git commit-tree
        #expect(tree.oid == "4fb98bb6c17467717a40050134582573b0e791e3")
        #expect(commit.id == "b3b8101b53680fd1d4fc76f1b62b6d73e036e96d")
    }

    @Test(
        "A regular file is where a relative redirect leads, a large one on another origin",
        arguments: [Method.get, .head])
    func resolves(method: Method) throws {
        var caller = SandboxCaller()
        let sha = try #require(caller.call(.get, "/api/models/sandbox/demo").json?["sha"]?.stringValue)
        let regular = try caller.call(method, "/sandbox/demo/resolve/main/tokenizer/vocab.txt")
        #expect(regular.status == .temporaryRedirect && regular.headers["X-Repo-Commit"] == sha)
        let location = try #require(regular.headers["Location"])
        #expect(location.hasPrefix("/api/resolve-cache/models/sandbox/demo/\(sha)/tokenizer/vocab.txt?etag="))
        let content = try caller.call(method, location)
        #expect(content.status == .ok && content.body == Array("[PAD]\n[UNK]\n".utf8))
        #expect(content.headers["X-Repo-Commit"] == sha && content.headers["ETag"]?.count == 42)

        let linked = try caller.call(method, "/sandbox/demo/resolve/\(sha)/model.safetensors")
        #expect(linked.status == .found && linked.headers["X-Repo-Commit"] == sha)
        #expect(linked.headers["X-Linked-Size"] == "262144" && linked.headers["X-Linked-Etag"]?.count == 66)
        #expect(linked.headers["Location"]?.hasPrefix("\(SandboxCaller.cdn)/") == true)
        #expect(linked.headers["X-Xet-Hash"]?.count == 64 && linked.headers.contains("Link"))
    }

    @Test("raw gives what git holds")
    func raw() throws {
        var caller = SandboxCaller()
        #expect(
            try caller.call(.get, "/sandbox/demo/raw/main/tokenizer/vocab.txt").body == Array("[PAD]\n[UNK]\n".utf8))
        let pointer = String(
            decoding: try caller.call(.get, "/sandbox/demo/raw/main/model.safetensors").body, as: UTF8.self)
        #expect(pointer.hasPrefix("version https://git-lfs.github.com/spec/v1\noid sha256:"))
        #expect(pointer.hasSuffix("\nsize 262144\n"))
    }

    static let ranges: [(String, Int, String?, String)] = [
        ("bytes=0-0", 206, "bytes 0-0/10", "0"), ("bytes=5-", 206, "bytes 5-9/10", "56789"),
        ("bytes=-3", 206, "bytes 7-9/10", "789"), ("bytes=8-99", 206, "bytes 8-9/10", "89"),
        ("bytes=-99", 206, "bytes 0-9/10", "0123456789"), ("bytes=10-", 416, "bytes */10", ""),
        ("bytes=3-2", 416, "bytes */10", ""), ("bytes=-0", 416, "bytes */10", ""),
        ("bytes=0-1,3-4", 200, nil, "0123456789"), ("lines=1-2", 200, nil, "0123456789"),
    ]

    @Test("Ranges", arguments: ranges)
    func range(field: String, status: Int, contentRange: String?, body: String) throws {
        let content = SandboxContent(bytes: Array("0123456789".utf8), etag: "x", path: "a/b.txt")
        let request = Request(method: .get, target: .root, headers: ["Range": field])
        let answer = content.response(to: request)
        #expect(answer.status.code == status)
        #expect(answer.headers["Content-Range"] == contentRange)
        #expect(answer.body == Array(body.utf8))
        #expect(answer.headers["Accept-Ranges"] == "bytes")
    }

    @Test(
        "Conditions",
        arguments: [
            (["If-None-Match": "\"x\""], 304), (["If-None-Match": "\"y\", W/\"x\""], 304),
            (["If-None-Match": "*"], 304),
            (["If-None-Match": "\"y\""], 200), (["Range": "bytes=1-2", "If-Range": "\"x\""], 206),
            (["Range": "bytes=1-2", "If-Range": "\"y\""], 200),
        ] as [([String: String], Int)])
    func conditions(fields: [String: String], status: Int) {
        var headers = Headers()
        for (name, value) in fields { headers.append(name, value) }
        let content = SandboxContent(bytes: [1, 2, 3], etag: "x", path: "a", headers: ["X-Repo-Commit": "c"])
        let answer = content.response(to: Request(method: .get, target: .root, headers: headers))
        #expect(answer.status.code == status)
        #expect(answer.headers["ETag"] == "\"x\"" && answer.headers["X-Repo-Commit"] == "c")
    }

    @Test("What is not there says so, with the commit where one is known")
    func missing() throws {
        var caller = SandboxCaller()
        let entry = try caller.call(.head, "/sandbox/demo/resolve/main/no.txt")
        #expect(entry.status == .notFound && entry.headers["X-Error-Code"] == "EntryNotFound")
        #expect(entry.headers["X-Repo-Commit"]?.count == 40)
        let revision = try caller.call(.head, "/sandbox/demo/resolve/no/README.md")
        #expect(revision.headers["X-Error-Code"] == "RevisionNotFound")
        #expect(try caller.call(.get, "/sandbox/no/resolve/main/a").headers["X-Error-Code"] == "RepoNotFound")
        #expect(try caller.call(.get, "/acme/tiny-bert/resolve/main/README.md", token: nil).status == .unauthorized)
        let moved = try caller.call(.get, "/gpt2/resolve/main/a%20b/c?x=1", token: nil)
        #expect(moved.headers["Location"] == "/openai-community/gpt2/resolve/main/a%20b/c?x=1")
    }

    @Test(
        "A gated repository's files are its owners' alone",
        arguments: [("hf_other", 403), (nil, 401)] as [(String?, Int)])
    func gated(token: String?, status: Int) throws {
        var caller = SandboxCaller()
        _ = try caller.call(.put, "/api/models/sandbox/demo/settings", ["gated": "auto"])
        let refused = try caller.call(.get, "/sandbox/demo/resolve/main/README.md", token: token)
        #expect(refused.status.code == status && refused.headers["X-Error-Code"] == "GatedRepo")
        #expect(try caller.call(.get, "/api/models/sandbox/demo", token: token).status == .ok)
        #expect(try caller.call(.get, "/sandbox/demo/resolve/main/README.md").status == .temporaryRedirect)
    }

    @Test("Other kinds have their own addresses")
    func kinds() throws {
        var caller = SandboxCaller()
        let data = try caller.call(.get, "/datasets/sandbox/squad-mini/resolve/main/data/train.jsonl")
        #expect(data.headers["Location"]?.hasPrefix("/api/resolve-cache/datasets/sandbox/squad-mini/") == true)
        #expect(try caller.call(.get, "/sandbox/squad-mini/resolve/main/data/train.jsonl").status == .notFound)
        #expect(try caller.call(.get, "/spaces/sandbox/hello/raw/main/index.html").status == .ok)
    }
}
