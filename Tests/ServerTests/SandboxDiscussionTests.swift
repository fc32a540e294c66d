@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("The sandbox's discussions and pull requests")
struct SandboxDiscussionTests {
    private static let base = "/api/models/sandbox/demo/discussions"

    @Test("A discussion is opened, commented, renamed, closed and read")
    func life() throws {
        var caller = SandboxCaller()
        let order: JSON = ["title": "Why?", "description": "Really", "pullRequest": false]
        #expect(try caller.call(.post, Self.base, token: "hf_other", order).json?["num"] == 1)
        let comment = try caller.call(.post, "\(Self.base)/1/comment", ["comment": "Because"]).json?["newMessage"]
        let id = try #require(comment?["id"]?.stringValue)
        let edit = try caller.call(.post, "\(Self.base)/1/comment/\(id)/edit", ["content": "So"]).json?[
            "updatedComment"]
        #expect(edit?["data"]?["latest"]?["raw"] == "So" && edit?["data"]?["edited"] == true)
        #expect(
            try caller.call(.post, "\(Self.base)/1/comment/\(id)/edit", token: "hf_other", ["content": "x"]).status
                == .forbidden)
        #expect(
            try caller.call(.post, "\(Self.base)/1/title", ["title": "How?"]).json?["newTitle"]?["data"]?["from"]
                == "Why?")
        let status = try caller.call(.post, "\(Self.base)/1/status", token: "hf_other", ["status": "closed"])
        #expect(status.json?["newStatus"]?["data"]?["status"] == "closed")
        let details = try caller.call(.get, "\(Self.base)/1?diff=1").json
        #expect(details?["title"] == "How?" && details?["status"] == "closed" && details?["isPullRequest"] == false)
        #expect(details?["url"] == .string("\(SandboxCaller.origin)/sandbox/demo/discussions/1"))
        guard case .array(let events)? = details?["events"] else { return #expect(Bool(false), "no events") }
        #expect(
            events.compactMap { $0["type"]?.stringValue } == ["comment", "comment", "title-change", "status-change"])
        #expect(try caller.call(.get, "\(Self.base)/2").status == .notFound)
    }

    @Test("Lists come in numbered pages without Link")
    func pages() throws {
        var caller = SandboxCaller()
        for number in 1...12 { _ = try caller.call(.post, Self.base, ["title": .string("\(number)")]) }
        let pages = try (0...2).map { try caller.call(.get, "\(Self.base)?p=\($0)&status=open") }
        let counts = pages.map { page -> Int in
            guard case .array(let list)? = page.json?["discussions"] else { return -1 }
            return list.count
        }
        #expect(counts == [10, 2, 0])
        #expect(pages.allSatisfy { $0.json?["count"] == 12 && !$0.headers.contains("Link") })
        #expect(pages.map { $0.json?["start"] } == [0, 10, 20])
        #expect(try caller.call(.get, "\(Self.base)?type=pull_request").json?["count"] == 0)
        #expect(try caller.call(.get, "\(Self.base)?author=other").json?["count"] == 0)
        #expect(try caller.call(.get, "\(Self.base)?p=-1").status == .badRequest)
    }

    @Test("Whoever may only read may propose; an owner merges, without a body")
    func proposal() throws {
        var caller = SandboxCaller()
        let answer = try caller.commit([SandboxCaller.file("a.txt", "1")], query: "?create_pr=1", token: "hf_other")
        #expect(answer.json?["pullRequestUrl"] == .string("\(SandboxCaller.origin)/sandbox/demo/discussions/1"))
        #expect(try caller.call(.get, "/sandbox/demo/raw/refs%2Fpr%2F1/a.txt").body == Array("1".utf8))
        #expect(try caller.call(.get, "/sandbox/demo/raw/main/a.txt").status == .notFound)
        #expect(try caller.commit([SandboxCaller.file("b.txt", "2")], revision: "refs%2Fpr%2F1").status == .ok)
        #expect(try caller.commit([SandboxCaller.file("c.txt", "3")]).status == .ok)
        #expect(try caller.call(.post, "\(Self.base)/1/merge", token: "hf_other").status == .forbidden)
        #expect(try caller.call(.post, "\(Self.base)/1/merge").status == .ok)
        #expect(try caller.call(.post, "\(Self.base)/1/merge").status == .badRequest)
        for name in ["a.txt", "b.txt", "c.txt"] {
            #expect(try caller.call(.get, "/sandbox/demo/raw/main/\(name)").status == .ok, "\(name)")
        }
        let details = try caller.call(.get, "\(Self.base)/1").json
        #expect(details?["status"] == "merged")
        #expect(try details?["changes"]?["mergeCommitId"] == caller.call(.get, "/api/models/sandbox/demo").json?["sha"])
    }

    @Test("What main has changed too cannot be merged")
    func conflict() throws {
        var caller = SandboxCaller()
        _ = try caller.commit([SandboxCaller.file("README.md", "theirs")], query: "?create_pr=1")
        _ = try caller.commit([SandboxCaller.file("README.md", "ours")])
        #expect(try caller.call(.get, "\(Self.base)/1").json?["filesWithConflicts"] == ["README.md"])
        #expect(try caller.call(.post, "\(Self.base)/1/merge").status == .conflict)
    }

    @Test("Disabled discussions take none")
    func disabled() throws {
        var caller = SandboxCaller()
        _ = try caller.call(.put, "/api/models/sandbox/demo/settings", ["discussionsDisabled": true])
        #expect(try caller.call(.post, Self.base, ["title": "x"]).status == .forbidden)
        #expect(try caller.call(.post, Self.base, token: nil, ["title": "x"]).status == .unauthorized)
    }
}
