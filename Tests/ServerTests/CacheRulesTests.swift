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
        "Content of a commit is immutable",
        arguments: [
            "/api/datasets/a/b/tree/\(commit)/data",
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
            "/api/models/a/b/revision/\(commit)?securityStatus=true", "/api/models/a/b/revision/\(commit)",
            "/api/models/a/b/commits/\(commit)", "/api/models/a/b/treesize/\(commit)",
            "/api/models/a/b/compare/\(commit)", "/api/models/a/b/notebook/\(commit)/x.ipynb",
            // A repository may have the name of such an operation, and is none.
            "/api/models/a/xet-read-token", "/api/models/a/logs",
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
            "/api/buckets/a/b/xet-read-token", "/api/buckets/a/b/xet-write-token",
            "/api/models/a/b/xet-write-token/main",
            "/api/buckets/a/b/events", "/api/spaces/a/b/metrics", "/api/spaces/a/b/runtime", "/api/models/a/b/jwt",
            "/api/jobs/a", "/api/jobs/a/b/logs", "/api/models/a/b/auth-check/write",
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
            (["Set-Cookie": "a=b"], false, false), (["CDN-Cache-Control": "no-store"], false, false),
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
            ("max-age=99999999999999999999", false, false, false, 1 << 31),
            ("max-age=2147483649", false, false, false, 1 << 31), ("max-age=007", false, false, false, 7),
            ("max-age='7'", false, false, false, 0), ("a=\"max-age=1, no-cache\", max-age=7", false, false, false, 7),
            ("a=\"\\\", no-store\", max-age=7", false, false, false, 7),
            ("max-age=9, max-age=3", false, false, false, 3),
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

@Suite("How long a response says that it is good")
struct FreshnessTests {
    private static let now = 784_111_777
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    private func freshness(_ fields: [(String, String)]) -> Freshness {
        var headers = Headers()
        for (name, value) in fields { headers.append(name, value) }
        return Freshness(headers, now: Self.now)
    }

    @Test(
        "Whatever Age says, it is a number of seconds that can be counted with",
        arguments: [
            ("0", 0), ("7", 7), ("-1", 0), ("", 0), ("abc", 0), ("7.5", 0), ("+7", 0), ("0x7", 0), (" 7", 7),
            ("7, 0", 7), ("0, 7", 0),
            ("2147483647", (1 << 31) - 1), ("2147483648", 1 << 31), ("9223372036854775807", 1 << 31),
            ("9223372036854775808", 1 << 31), (String(repeating: "9", count: 4000), 1 << 31), ("\u{0667}", 0),
        ])
    func age(value: String, seconds: Int) { #expect(freshness([("Age", value)]).age == seconds) }

    @Test("Of several Ages the first counts")
    func ages() {
        #expect(freshness([("Age", "7"), ("Age", "0")]).age == 7)
        #expect(freshness([("Age", "x"), ("Age", "9")]).age == 0)
    }

    @Test(
        "A lifetime is that of shared caches, of all, or until the response expires",
        arguments: [
            ([], nil), ([("Cache-Control", "max-age=5")], 5), ([("Cache-Control", "max-age=9, s-maxage=3")], 3),
            ([("Cache-Control", "s-maxage=9"), ("Cache-Control", "max-age=3")], 9),
            ([("Cache-Control", "max-age=9"), ("CDN-Cache-Control", "max-age=3")], 3),
            ([("Cache-Control", "max-age=3"), ("CDN-Cache-Control", "max-age=9")], 3),
            ([("Expires", "Sun, 06 Nov 1994 08:49:47 GMT")], 10), ([("Expires", date)], 0), ([("Expires", "0")], 0),
            ([("Expires", "Sun, 06 Nov 1994 08:49:47 GMT"), ("Date", "Sun, 06 Nov 1994 08:49:40 GMT")], 7),
            ([("Expires", date), ("Expires", "Sun, 06 Nov 2094 08:49:37 GMT")], 0),
            ([("Expires", "Sun, 06 Nov 2094 08:49:37 GMT"), ("Cache-Control", "max-age=1")], 1),
        ] as [([(String, String)], Int?)])
    func lifetime(fields: [(String, String)], seconds: Int?) { #expect(freshness(fields).lifetime == seconds) }

    @Test(
        "What must not be given out stale",
        arguments: [
            ("must-revalidate", true, false), ("proxy-revalidate", true, false), ("s-maxage=5", true, false),
            ("no-cache", true, true),
            ("no-cache=\"Set-Cookie\"", true, true), ("max-age=5", false, false),
        ])
    func staleness(value: String, isNeverStale: Bool, asksAlways: Bool) {
        let found = freshness([("Cache-Control", value)])
        #expect(found.isNeverStale == isNeverStale && found.asksAlways == asksAlways)
    }
}

@Suite("The fields that the Hub chooses by")
struct NominatedFieldsTests {
    private func request(_ fields: [(String, String)]) throws -> Request {
        var headers = Headers()
        for (name, value) in fields { headers.append(name, value) }
        return Request(method: .get, target: try Target("/"), headers: headers, body: [])
    }

    @Test(
        "A response that depends on everything, or on too much, is for one request",
        arguments: ["*", "Accept, *", ", *", "*, *", "X, *, Y", (1...17).map { "X-\($0)" }.joined(separator: ",")])
    func everything(vary: String) throws {
        let none = try request([])
        #expect(NominatedFields(["Vary": vary], of: none) == nil)
    }

    @Test("Each value of each field counts, and what the key has already does not")
    func values() throws {
        let stored = try request([("X-A", "1"), ("X-A", "2"), ("Accept", "a"), ("Origin", "o")])
        let alike = try request([("x-a", "1"), ("X-A", "2")])
        let nominated = try #require(NominatedFields(["Vary": "x-a , Accept, Origin, X-B"], of: stored))
        #expect(nominated.fit(stored) && nominated.fit(alike))
        for other in [[("X-A", "1")], [("X-A", "2"), ("X-A", "1")], [], [("X-A", "1"), ("X-A", "2"), ("X-B", "")]] {
            let unlike = try request(other)
            #expect(!nominated.fit(unlike))
        }
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
        "A request changes what its path names, or whatever its body may name",
        arguments: [
            ("POST", "/acme/big.git/info/lfs/objects/batch", true), ("PUT", "/api/models/acme/big/settings", true),
            ("POST", "/api/models/acme/big/commit/main", true), ("POST", "/api/repos/move", false),
            ("POST", "/api/models/acme/big/duplicate", false),
            ("POST", "/api/models/acme/big/lfs-files/duplicate", false),
            ("POST", "/api/models/acme/big/nobody-knows", true), ("POST", "/api//models/acme/big", false),
        ])
    func concerned(method: String, path: String, isOne: Bool) throws {
        let epochs = WriteEpochs()
        let marks = (epochs.mark(resource("acme", "big")), epochs.mark(resource("acme", "small")))
        let operation = HubOperation.find(HTTP.Method(rawValue: method), try Target(path))
        try #require(CacheChange(operation, epochs)).apply()
        #expect(!epochs.isCurrent(marks.0) && epochs.isCurrent(marks.1) == isOne)
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
