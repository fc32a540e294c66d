import EventIO
import HTTP
import Hub
import Testing

@testable import Server

@Suite("What is kept, and for how long")
struct CacheRulesTests {
    private static let commit = String(repeating: "0a", count: 20)

    private static func lifetime(_ path: String, _ method: HTTP.Method = .get) throws -> CacheRules.Lifetime? {
        let target = try Target(path)
        guard
            CacheRules.concerns(Request(method: method, target: target, headers: [:], body: []), target, hasBody: false)
        else { return nil }
        return CacheRules.lifetime(HubOperation.find(.get, target), target)
    }

    @Test(
        "What names a commit is immutable",
        arguments: [
            "/api/models/a/b/revision/\(commit)", "/api/datasets/a/b/tree/\(commit)/data",
            "/a/b/resolve/\(commit)/x.json",
            "/datasets/a/b/resolve/\(commit)/x/y.json", "/api/resolve-cache/models/a/b/\(commit)/x.json?etag=1",
        ])
    func immutable(path: String) throws {
        #expect(try Self.lifetime(path) == .immutable)
    }

    @Test(
        "What is named by a branch, or says more than the commit, is not",
        arguments: [
            "/api/models/a/b", "/api/models/a/b/revision/main", "/a/b/resolve/main/x.json", "/api/models",
            "/a/b/resolve/\(commit.uppercased())/x.json", "/a/b/resolve/\(commit)0/x.json",
            "/a/b/resolve/main/\(commit)/x.json", "/api/models/a/b/tree/\(commit)?expand=true",
            "/api/models/a/b/revision/\(commit)?securityStatus=true",
        ])
    func moving(path: String) throws {
        #expect(try Self.lifetime(path) == .moving)
    }

    @Test(
        "What is somebody's own, or has no end, or is not understood, is not kept",
        arguments: [
            "/api/whoami-v2", "/api/models/a/b/xet-read-token/main", "/api/spaces/a/b/logs/run",
            "/api/spaces/a/b/events",
            "/api/models?cursor=abc", "/api/something/else", "/a/b", "/a/b/info/refs?service=git-upload-pack",
            "/api/models/a%2Fb", "/api//models/a/b", "/oauth/device", "/api/notifications",
        ])
    func bypassed(path: String) throws {
        #expect(try Self.lifetime(path) == nil)
    }

    @Test(
        "A request for a part, with conditions of its own, or of a page, does not come from the cache",
        arguments: ["Range", "If-Range", "If-Match", "If-Unmodified-Since", "Origin"])
    func ofItsOwn(name: String) throws {
        let target = try Target("/api/models/a/b")
        let request = Request(method: .get, target: target, headers: [name: "x"], body: [])
        #expect(!CacheRules.concerns(request, target, hasBody: false))
    }

    @Test("What changes something is not from the cache either")
    func unsafe() throws {
        let target = try Target("/api/models/a/b")
        for method in [HTTP.Method.post, .put, .delete] {
            let request = Request(method: method, target: target, headers: [:], body: [])
            #expect(!CacheRules.concerns(request, target, hasBody: false))
        }
        let request = Request(method: .get, target: target, headers: [:], body: [])
        #expect(!CacheRules.concerns(request, target, hasBody: true))
    }

    @Test(
        "The Hub's head may forbid it",
        arguments: [
            (["Cache-Control": "no-store"], false, false), (["Cache-Control": "max-age=3, NO-STORE"], false, false),
            (["Set-Cookie": "a=b"], false, false), (["Vary": "Origin, *"], false, false),
            (["Cache-Control": "private"], true, false), (["Cache-Control": "private"], false, true),
            (["Cache-Control": "private=\"x\""], true, false), (["Vary": "Origin"], true, true), ([:], true, true),
            (["Cache-Control": String(repeating: "a,", count: 600)], true, false),
        ] as [([String: String], Bool, Bool)])
    func head(fields: [String: String], isShared: Bool, isAllowed: Bool) {
        var headers: Headers = [:]
        for (name, value) in fields { headers.append(name, value) }
        let head = Transfer.Head(status: .ok, headers: headers)
        #expect(CacheRules.allows(head, isShared: isShared) == isAllowed)
    }

    @Test(
        "Kept are what was asked for, files that are not there, and where a renamed repository is",
        arguments: [
            (200, [:], true), (404, ["X-Error-Code": "EntryNotFound"], true),
            (404, ["X-Error-Code": "RepoNotFound"], false),
            (404, [:], false), (401, [:], false), (403, [:], false), (500, [:], false), (429, [:], false),
            (206, [:], false),
            (307, ["Location": "https://gate/api/models/a/c"], true),
            (302, ["Location": "https://gate/-/signed/x"], false),
            (307, [:], false), (304, [:], false),
        ] as [(Int, [String: String], Bool)])
    func kept(code: Int, fields: [String: String], isKept: Bool) {
        var headers: Headers = [:]
        for (name, value) in fields { headers.append(name, value) }
        #expect(CacheRules.keeps(Status(code), headers) == isKept)
    }

    @Test(
        "Directives of requests",
        arguments: [
            ("no-cache", true, false, false, nil), ("NO-CACHE , no-store", true, true, false, nil),
            ("only-if-cached", false, false, true, nil), ("max-age=5", false, false, false, 5),
            ("max-age=\"7\"", false, false, false, 7), ("max-age=", false, false, false, 0),
            ("max-age=x", false, false, false, 0), ("max-age=-1", false, false, false, 0),
            ("max-age=99999999999999999999", false, false, false, 0), ("max-age=9, max-age=3", false, false, false, 3),
            (",,=,", false, false, false, nil),
        ] as [(String, Bool, Bool, Bool, Int?)])
    func directives(value: String, noCache: Bool, noStore: Bool, onlyIfCached: Bool, maxAge: Int?) {
        let found = CacheDirectives(request: ["Cache-Control": value])
        #expect(found.noCache == noCache && found.noStore == noStore && found.onlyIfCached == onlyIfCached)
        #expect(found.maxAge == maxAge)
        #expect(CacheDirectives(request: ["Pragma": "no-cache"]).noCache)
        #expect(!CacheDirectives(request: ["Pragma": "no-cache", "Cache-Control": "max-age=1"]).noCache)
    }
}

@Suite("Changes through the gateway")
struct WriteEpochsTests {
    private func resource(_ owner: String, _ name: String) -> HubResource {
        HubResource(kind: .model, owner: owner, name: name)
    }

    @Test("A change of a repository is one of it in any case of its letters, of lists, and not of others")
    func repository() {
        let epochs = WriteEpochs()
        let (own, other, list) = (
            epochs.mark(resource("Acme", "Big")), epochs.mark(resource("acme", "small")), epochs.mark(nil)
        )
        epochs.changed(resource("acme", "BIG"))
        #expect(!epochs.isCurrent(own) && epochs.isCurrent(other) && !epochs.isCurrent(list))
        #expect(epochs.isCurrent(epochs.mark(resource("acme", "big"))))
    }

    @Test("A change of nobody knows what is one of all")
    func unknown() {
        let epochs = WriteEpochs()
        let marks = [epochs.mark(resource("a", "b")), epochs.mark(nil)]
        epochs.changed(nil)
        #expect(!marks.contains(where: epochs.isCurrent))
    }

    @Test(
        "Which requests change what",
        arguments: [
            ("POST", "/api/models/a/b/commit/main", true), ("PUT", "/api/models/a/b/settings", true),
            ("DELETE", "/api/repos/delete", true), ("POST", "/a/b.git/git-receive-pack", true),
            ("POST", "/api/models/a/b/paths-info/main", false), ("POST", "/a/b.git/git-upload-pack", false),
            ("GET", "/api/models/a/b", false), ("POST", "/nobody/knows/what", true),
        ])
    func changes(method: String, path: String, isChange: Bool) throws {
        let epochs = WriteEpochs()
        let operation = HubOperation.find(HTTP.Method(rawValue: method), try Target(path))
        #expect((CacheChange(operation, epochs) != nil) == isChange)
    }
}
