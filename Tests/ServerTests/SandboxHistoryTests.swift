@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("The sandbox's commits and what points at them")
struct SandboxHistoryTests {
    private typealias Caller = SandboxCaller

    private static func head(_ caller: inout SandboxCaller, _ revision: String = "main") throws -> String {
        let answer = try caller.call(.get, "/api/models/sandbox/demo/revision/\(revision)")
        return try #require(answer.json?["sha"]?.stringValue)
    }

    @Test("A commit does all it says, and tells where it is")
    func commits() throws {
        var caller = SandboxCaller()
        let before = try Self.head(&caller)
        let answer = try caller.commit([
            Caller.file("new/a b.txt", "hello\n"), ("deletedFile", ["path": "config.json"]),
            ("deletedFolder", ["path": "tokenizer/"]),
        ])
        let oid = try #require(answer.json?["commitOid"]?.stringValue)
        #expect(answer.json?["success"] == true)
        #expect(answer.json?["commitUrl"] == .string("\(Caller.origin)/sandbox/demo/commit/\(oid)"))
        #expect(try Self.head(&caller) == oid)
        #expect(
            try caller.call(.get, "/api/models/sandbox/demo/tree/main?recursive=true").paths
                == [".gitattributes", "README.md", "model.safetensors", "new", "new/a b.txt"])
        // The commit before is as it was.
        #expect(try caller.call(.get, "/sandbox/demo/resolve/\(before)/config.json").status == .temporaryRedirect)
        #expect(try caller.call(.get, "/sandbox/demo/resolve/main/config.json").status == .notFound)
        guard case .array(let commits)? = try caller.call(.get, "/api/models/sandbox/demo/commits/main").json else {
            return #expect(Bool(false), "no commits")
        }
        #expect(
            commits.compactMap { $0["title"]?.stringValue } == ["Change", "Upload model.safetensors", "initial commit"])
        #expect(commits[0]["id"] == .string(oid) && commits[1]["id"] == .string(before))
    }

    static let refusals: [([(String, JSON)], Int)] = [
        ([("deletedFile", ["path": "no"])], 404), ([("deletedFolder", ["path": "no"])], 404),
        ([SandboxCaller.file("../x", "")], 400), ([SandboxCaller.file("/x", "")], 400),
        ([SandboxCaller.file("a//b", "")], 400), ([SandboxCaller.file(".git/config", "")], 400),
        ([SandboxCaller.file("a\nb", "")], 400), ([SandboxCaller.file("config.json/x", "")], 400),
        ([SandboxCaller.file("tokenizer", "")], 400), ([SandboxCaller.linked("x", "no")], 400),
        ([("file", ["path": "x", "content": "*", "encoding": "base64"])], 400), ([("other", ["path": "x"])], 400),
        ([("header", ["summary": "Twice"])], 400), ([("file", ["content": ""])], 400),
    ]

    @Test("What cannot be done changes nothing", arguments: refusals)
    func refuses(lines: [(String, JSON)], status: Int) throws {
        var caller = SandboxCaller()
        let before = try Self.head(&caller)
        let answer = try caller.commit([SandboxCaller.file("ok.txt", "")] + lines)
        #expect(answer.status.code == status)
        #expect(try Self.head(&caller) == before)
    }

    @Test("Who may commit, and where")
    func rights() throws {
        var caller = SandboxCaller()
        let line = [Caller.file("x", "")]
        #expect(try caller.commit(line, token: nil).status == .unauthorized)
        #expect(try caller.commit(line, token: "hf_sandbox_read").status == .forbidden)
        #expect(try caller.commit(to: "models/other/shared", line).status == .forbidden)
        #expect(try caller.commit(line, revision: "no").status == .notFound)
        #expect(try caller.commit(line, revision: Self.head(&caller)).status == .notFound)
        #expect(
            try caller.send(.post, "/api/models/sandbox/demo/commit/main", type: "application/json", "{}").status
                == .badRequest)
    }

    @Test("A parent that is not the head any more is refused")
    func parent() throws {
        var caller = SandboxCaller()
        let head = try Self.head(&caller)
        #expect(try caller.commit([Caller.file("a", "1")], parent: head).status == .ok)
        #expect(try caller.commit([Caller.file("a", "2")], parent: head).status == .preconditionFailed)
        #expect(try caller.commit([Caller.file("a", "2")], parent: Self.head(&caller)).status == .ok)
    }

    @Test("Branches and tags are made, read and deleted; one that is there is a conflict")
    func references() throws {
        var caller = SandboxCaller()
        let base = "/api/models/sandbox/demo"
        let head = try Self.head(&caller)
        #expect(try caller.call(.post, "\(base)/branch/feature%2Fx", [:]).status == .ok)
        #expect(try caller.call(.post, "\(base)/branch/feature%2Fx", [:]).status == .conflict)
        #expect(try caller.call(.post, "\(base)/branch/y", ["startingPoint": "no"]).status == .notFound)
        #expect(try caller.call(.post, "\(base)/branch/refs%2Fpr%2F1", [:]).status == .badRequest)
        #expect(try caller.call(.post, "\(base)/tag/main", ["tag": "v1", "message": "First"]).status == .ok)
        #expect(try caller.call(.post, "\(base)/tag/main", ["tag": "v1"]).status == .conflict)
        #expect(try caller.commit([Caller.file("a", "1")], revision: "feature%2Fx").status == .ok)
        #expect(try Self.head(&caller) == head && Self.head(&caller, "v1") == head)
        #expect(try Self.head(&caller, "feature%2Fx") != head)
        #expect(try Self.head(&caller, "refs%2Fheads%2Fmain") == head)
        #expect(try Self.head(&caller, String(head.prefix(8))) == head)
        let refs = try caller.call(.get, "\(base)/refs?include_prs=1").json
        #expect(refs?["tags"] == [["name": "v1", "ref": "refs/tags/v1", "targetCommit": .string(head)]])
        #expect(refs?["pullRequests"] == [] && refs?["converts"] == [])
        #expect(try caller.call(.delete, "\(base)/branch/main").status == .forbidden)
        #expect(try caller.call(.delete, "\(base)/branch/feature%2Fx").status == .ok)
        #expect(try caller.call(.delete, "\(base)/tag/v1").status == .ok)
        #expect(try caller.call(.delete, "\(base)/tag/v1").status == .notFound)
    }

    @Test("A long tree comes in pages, shorter ones when they say more")
    func treePages() throws {
        var caller = SandboxCaller()
        let files = (0..<1001).map { SandboxCaller.file("many/\($0)", "\($0)") }
        #expect(try caller.commit(files).status == .ok)
        let first = try caller.call(.get, "/api/models/sandbox/demo/tree/main/many?recursive=False&x=a%2Fb")
        let start = "<\(Caller.origin)"
        let link = try #require(first.headers["Link"])
        #expect(
            first.paths.count == 1000
                && link.hasPrefix("\(start)/api/models/sandbox/demo/tree/main/many?recursive=False&x=a%2Fb&cursor="))
        let second = try caller.call(.get, String(link.dropFirst(start.count).prefix { $0 != ">" }))
        #expect(second.paths.count == 1 && !second.headers.contains("Link"))
        #expect(Set(first.paths + second.paths).count == 1001)
        let expanded = try caller.call(.get, "/api/models/sandbox/demo/tree/main/many?expand=true")
        #expect(expanded.paths.count == 50)
        #expect(
            try caller.call(.get, "/api/models/sandbox/demo/tree/main/no").headers["X-Error-Code"] == "EntryNotFound")
    }

    @Test(
        "paths-info by form and by JSON",
        arguments: [
            ("application/x-www-form-urlencoded", "paths=tokenizer&paths=model.safetensors&paths=no&expand=True"),
            ("application/json", "{\"paths\":[\"tokenizer\",\"model.safetensors\",\"no\"],\"expand\":true}"),
        ])
    func pathsInfo(type: String, body: String) throws {
        var caller = SandboxCaller()
        let answer = try caller.send(.post, "/api/models/sandbox/demo/paths-info/main", type: type, body)
        #expect(answer.paths == ["tokenizer", "model.safetensors"])
        guard case .array(let entries)? = answer.json else { return #expect(Bool(false), "no list") }
        #expect(entries[0]["type"] == "directory" && entries[0]["lastCommit"]?["title"] == "initial commit")
        #expect(entries[1]["lfs"]?["size"] == 262_144)
        #expect(entries[1]["lastCommit"]?["title"] == "Upload model.safetensors")
    }

    @Test("preupload says how each file goes, and what is there")
    func preupload() throws {
        var caller = SandboxCaller()
        let files: [JSON] = [
            ["path": "config.json", "size": 10, "sample": "e30="], ["path": "new.bin", "size": 1, "sample": "AA=="],
            ["path": "data", "size": 3, "sample": "AAAA"], ["path": "big.txt", "size": 10_485_761, "sample": "YQ=="],
        ]
        let answer = try caller.call(.post, "/api/models/sandbox/demo/preupload/main", ["files": .array(files)])
        guard case .array(let answers)? = answer.json?["files"] else { return #expect(Bool(false), "no files") }
        #expect(answers.compactMap { $0["uploadMode"]?.stringValue } == ["regular", "lfs", "lfs", "lfs"])
        #expect(answers.allSatisfy { $0["shouldIgnore"] == false })
        #expect(answers[0]["oid"]?.stringValue?.count == 40 && answers[1]["oid"] == nil)
        let many = [JSON](repeating: files[0], count: 257)
        #expect(
            try caller.call(.post, "/api/models/sandbox/demo/preupload/main", ["files": .array(many)]).status
                == .badRequest)
    }
}
