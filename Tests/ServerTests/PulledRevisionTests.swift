import HTTP
import Hub
import Testing

@testable import Server

struct PulledRevisionTests {
    private static let commit = String(repeating: "a", count: 40)
    private static let oid = String(repeating: "b", count: 40)
    private static let content = BlobName(String(repeating: "c", count: 64))

    private static func revision(_ entries: [HeldEntry] = entries) throws -> HeldRevision {
        HeldRevision(
            RepoKey(.model, try RepoID("acme/m")), commit: commit, isOpen: true, taken: 7, info: Array("{}".utf8),
            entries: HeldEntries(entries))
    }

    private static let entries = [
        HeldEntry(path: "w.bin", size: 9, oid: oid, place: .store, content: content),
        HeldEntry(path: "data", size: 0, oid: oid, place: .folder),
        HeldEntry(path: "data-x", size: 1, oid: oid, place: .git),
        HeldEntry(path: "data/deep", size: 0, oid: oid, place: .folder),
        HeldEntry(path: "data/deep/b", size: 2, oid: oid, place: .git, content: content),
        HeldEntry(path: "data/a", size: 3, oid: oid, place: .git, content: content),
    ]

    // MARK: names

    @Test("The folder of a repository is read back", arguments: ["acme/m", "acme/my-model_1.0", "gpt2"])
    func theFolderOfARepositoryIsReadBack(name: String) throws {
        for kind in RepoKind.allCases {
            let repo = RepoKey(kind, try RepoID(name))
            #expect(RepoKey(folder: repo.folder) == repo)
        }
        #expect(RepoKey(.model, try RepoID("acme/m")).folder == "models--acme--m")
    }

    @Test(
        "Other folders are no repository",
        arguments: [
            "", "models", "models--", "model--acme--m", "models--a--b--c", "models--acme---m", "models--..--m",
            "models--acme--..",
            "models--acme--m.git", ".locks", "models-acme-m", "models--acme/x--m",
        ])
    func otherFoldersAreNoRepository(name: String) {
        #expect(RepoKey(folder: name) == nil)
    }

    @Test("What git can hold is a path", arguments: ["a", "a/b", ".gitattributes", "a..b", "é/ü"])
    func whatGitCanHoldIsAPath(path: String) {
        #expect(GitNames.isPath(path))
    }

    @Test(
        "What leads out is none",
        arguments: [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\\b", "a\nb", "a\0",
            String(repeating: "x", count: 1025),
        ])
    func whatLeadsOutIsNone(path: String) {
        #expect(!GitNames.isPath(path))
    }

    // MARK: patterns, as Python's fnmatch has them

    @Test(
        "Patterns that fit",
        arguments: [
            ("*.json", "a.json"), ("*.json", "a/b.json"), ("a?c", "abc"), ("[ab].txt", "b.txt"), ("[!ab].txt", "c.txt"),
            ("data/", "data/a/b"),
            ("*", ""), ("a*b*c", "a-b-b-c"), ("[]]", "]"), ("[", "["), ("[a-c]x", "bx"), ("é*", "éa"),
        ])
    func patternsThatFit(pattern: String, path: String) {
        #expect(PathFilter.matches(pattern, path))
    }

    @Test(
        "Patterns that do not fit",
        arguments: [
            ("*.json", "a.jsonl"), ("a?c", "ac"), ("[ab].txt", "c.txt"), ("[!ab].txt", "a.txt"), ("data/", "data"),
            ("", "a"), ("a", "A"),
            ("[a-", "a"), ("[c-a]", "b"),
        ])
    func patternsThatDoNotFit(pattern: String, path: String) {
        #expect(!PathFilter.matches(pattern, path))
    }

    @Test("A pattern of stars takes no time") func aPatternOfStarsTakesNoTime() {
        let path = String(repeating: "a", count: 1024)
        #expect(!PathFilter.matches(String(repeating: "*a", count: 120) + "b", path))
    }

    @Test("A literal pattern fits its path alone", arguments: ["a*b[1]?.txt", "plain.txt", "]"])
    func aLiteralPatternFitsItsPathAlone(path: String) {
        #expect(PathFilter.matches(PathFilter.literal(path), path))
        #expect(!PathFilter.matches(PathFilter.literal(path), path + "x"))
    }

    // MARK: on the disk

    @Test("A revision is read back, and its head from its beginning")
    func aRevisionIsReadBackAndItsHeadFromItsBeginning() throws {
        let revision = try Self.revision()
        #expect(HeldRevision(revision.bytes) == revision)
        let head = HeldRevisionReading(Array(revision.bytes.prefix(HeldRevisionReading.headBytes)))
        #expect(head?.repo == revision.repo && head?.commit == Self.commit && head?.isOpen == true && head?.count == 6)
        #expect(revision["data/a"]?.size == 3 && revision["data/none"] == nil)
    }

    @Test("No damaged byte is read") func noDamagedByteIsRead() throws {
        let bytes = try Self.revision().bytes
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(HeldRevision(damaged) == nil)
        }
        for count in [0, 1, 32, 100, bytes.count - 1] { #expect(HeldRevision(Array(bytes.prefix(count))) == nil) }
    }

    @Test("A revision with a path that leads out is none") func aRevisionWithAPathThatLeadsOutIsNone() throws {
        for path in ["../x", "/etc/passwd", "a/../../b"] {
            let revision = try Self.revision([HeldEntry(path: path, size: 1, oid: Self.oid, place: .git)])
            #expect(HeldRevision(revision.bytes) == nil)
        }
    }

    @Test("An order is read back") func anOrderIsReadBack() throws {
        var order = PullOrder(
            id: "0123456789abcdef", repo: RepoKey(.dataset, try RepoID("acme/d")), revision: "refs/pr/1",
            include: ["*.json"],
            exclude: ["x"], pins: true, orderedBy: "me", placed: 5)
        (order.status, order.files, order.bytesDone, order.reason) = (.failed, 3, 9, "no")
        #expect(PullOrder(order.encoded) == order)
        for count in 0..<order.encoded.count { #expect(PullOrder(Array(order.encoded.prefix(count))) == nil) }
    }

    // MARK: what is said of it

    private static func paths(_ page: (entries: [JSON], next: String?)?) -> [String]? {
        page?.entries.compactMap { $0["path"]?.stringValue }
    }

    @Test("A tree is listed as the Hub does") func aTreeIsListedAsTheHubDoes() throws {
        let tree = HeldTree(revision: try Self.revision())
        #expect(Self.paths(tree.page(of: "", isRecursive: false, after: nil, limit: 9)) == ["data", "data-x", "w.bin"])
        #expect(
            Self.paths(tree.page(of: "", isRecursive: true, after: nil, limit: 9)) == [
                "data", "data-x", "data/a", "data/deep", "data/deep/b", "w.bin",
            ])
        #expect(Self.paths(tree.page(of: "data", isRecursive: false, after: nil, limit: 9)) == ["data/a", "data/deep"])
        #expect(tree.page(of: "w.bin", isRecursive: false, after: nil, limit: 9) == nil)
        #expect(tree.page(of: "none", isRecursive: false, after: nil, limit: 9) == nil)
    }

    @Test("Pages follow each other without a gap") func pagesFollowEachOtherWithoutAGap() throws {
        let tree = HeldTree(revision: try Self.revision())
        for folder in ["", "data"] {
            for isRecursive in [true, false] {
                let all = Self.paths(tree.page(of: folder, isRecursive: isRecursive, after: nil, limit: 100))
                var (found, cursor): ([String], String?) = ([], nil)
                repeat {
                    let page = tree.page(of: folder, isRecursive: isRecursive, after: cursor, limit: 1)
                    found += Self.paths(page) ?? []
                    cursor = page?.next
                } while cursor != nil
                #expect(found == all)
            }
        }
    }

    @Test(
        "What is asked of a repository is read",
        arguments: [
            ("GET", "/api/models/acme/m", "main", HeldQuestion.Wish.info),
            ("GET", "/api/models/acme/m/revision/v1", "v1", .info),
            ("GET", "/api/models/acme/m/tree/main", "main", .tree("")),
            ("GET", "/api/models/acme/m/tree/refs%2Fpr%2F1/a/b", "refs/pr/1", .tree("a/b")),
            ("POST", "/api/models/acme/m/paths-info/main", "main", .paths),
            ("GET", "/api/models/acme/m/refs", "main", .refs),
            ("HEAD", "/acme/m/resolve/main/a%20b/c.txt", "main", .file("a b/c.txt")),
        ])
    func whatIsAskedOfARepositoryIsRead(method: String, path: String, revision: String, wish: HeldQuestion.Wish) throws
    {
        let question = HeldQuestion(Method(rawValue: method), try Target(path))
        #expect(question?.repo == RepoKey(.model, try RepoID("acme/m")))
        #expect(question?.revision == revision && question?.wish == wish)
    }

    @Test("Data sets and old models have other paths") func dataSetsAndOldModelsHaveOtherPaths() throws {
        let file = HeldQuestion(.get, try Target("/datasets/acme/d/resolve/main/x"))
        #expect(file?.repo.kind == .dataset && file?.wish == .file("x"))
        let old = HeldQuestion(.get, try Target("/api/models/gpt2/tree/main/x"))
        #expect(old?.repo.id.text == "gpt2" && old?.wish == .tree("x"))
    }

    @Test(
        "Nothing else is answered from what was pulled",
        arguments: [
            ("DELETE", "/api/models/acme/m"), ("POST", "/api/models/acme/m/commit/main"), ("GET", "/acme/m/raw/main/x"),
            ("GET", "/api/whoami-v2"),
            ("GET", "/api/models"), ("GET", "/acme/m"), ("PUT", "/acme/m/resolve/main/x"),
        ])
    func nothingElseIsAnsweredFromWhatWasPulled(method: String, path: String) throws {
        #expect(HeldQuestion(Method(rawValue: method), try Target(path)) == nil)
    }

    @Test("Paths come as a form or as JSON") func pathsComeAsAFormOrAsJson() throws {
        let form = try HeldTree.paths(
            in: Array("paths=a%2Fb&paths=c+d&expand=False".utf8), mediaType: "application/x-www-form-urlencoded")
        #expect(form == ["a/b", "c d"])
        #expect(
            try HeldTree.paths(in: Array(#"{"paths":["a/b"],"expand":true}"#.utf8), mediaType: "application/json") == [
                "a/b"
            ])
        #expect(throws: Failure.self) { try HeldTree.paths(in: Array("[]".utf8), mediaType: nil) }
    }

    @Test("Pins that do not fit are refused") func pinsThatDoNotFitAreRefused() throws {
        let (one, other) = (try #require(Self.content), try #require(BlobName(String(repeating: "d", count: 64))))
        try CachePins.check([one: 40], beside: [one: 40, other: 60], cacheSize: 100)
        #expect(throws: CachePins.Refusal.self) { try CachePins.check([one: 40], beside: [other: 61], cacheSize: 100) }
    }
}
