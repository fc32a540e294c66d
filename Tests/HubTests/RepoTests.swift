@testable import HTTP
@testable import Hub
import Testing

@Suite struct RepoTests {
    @Test(arguments: [
        ("model", RepoKind.model), ("models", .model), ("MODEL", .model), ("dataset", .dataset), ("Datasets", .dataset),
        ("space", .space), ("sPaCeS", .space),
    ])
    func `a kind is read in singular and plural, in any case`(text: String, kind: RepoKind) {
        #expect(RepoKind(facade: text) == kind)
    }

    @Test(arguments: ["", "modelss", "kernel", " model", "model\n", "ſpace", "mode\u{FF4C}", "bucket"])
    func `anything else is no kind`(text: String) {
        #expect(RepoKind(facade: text) == nil)
    }

    @Test(arguments: [
        (RepoKind.model, "model", "models", "/n/r"), (.dataset, "dataset", "datasets", "/datasets/n/r"),
        (.space, "space", "spaces", "/spaces/n/r"),
    ])
    func `a kind has its names in JSON, API and page`(kind: RepoKind, name: String, path: String, page: String) {
        #expect(kind.apiName == name)
        #expect(kind.apiPath == path)
        #expect("/\(kind.webPrefix)n/r" == page)
    }

    static let n96 = String(repeating: "n", count: 96)

    @Test(arguments: [
        "a", "7", "_", "foo", "foo/bar", "Foo-BAR_foo.bar123", "user/a.b-c_d", "_a_/_b_", "a-.b", n96, n96 + "/" + n96,
        "a.git/b", "a.gitx",
        "git", "datasets/x",
    ])
    func `a good name is taken as it is`(text: String) throws {
        let id = try RepoID(text)
        #expect(id.text == text)
        #expect(id.path == text)
    }

    @Test(arguments: [
        ("", "not empty"), ("/a", "owner that is not empty"), ("a/", "name that is not empty"), ("/", "not empty"),
        ("a/b/c", "at most one slash"), ("datasets/a/b", "\"type\""),
        (n96 + "n", "at most 96 characters, has one of 97"),
        ("u/" + n96 + "n", "at most 96"), (n96 + "n/a", "at most 96"), ("-a", "neither starts"), ("a-", "nor ends"),
        (".a", "neither starts"), ("a.", "nor ends"), ("-a/b", "owner that neither"), ("a./b", "owner that neither"),
        (".", "neither"),
        ("..", "neither"), ("a--b", "without \"--\""), ("a..b", "without"), ("a--b/c", "owner without"),
        ("a.git", "\".git\""),
        ("u/a.git", "\".git\""), ("a b", "letters"), (" a", "letters"), ("a\n", "letters"), ("a\0", "letters"),
        ("é", "letters"),
        ("\u{430}bc", "letters"), ("\u{FF41}", "letters"), ("a\u{200B}", "letters"), ("a%2Fb", "letters"),
        ("a\\b", "letters"),
        ("a?b", "letters"), ("a#b", "letters"), ("٣", "letters"), ("a\u{301}", "letters"), ("e\u{2215}f", "letters"),
    ])
    func `a bad name is refused with the rule that it breaks`(text: String, rule: String) {
        let thrown = failure { () throws(Failure) in _ = try RepoID(text, field: "namespace") }
        #expect(thrown?.kind == .badRequest)
        #expect(thrown?.detail.contains(rule) == true, "\(thrown?.detail ?? "")")
        #expect(thrown?.detail.hasPrefix("The field \"namespace\" ") == true)
    }

    @Test(arguments: [
        ("main", "main"), ("refs/pr/1", "refs%2Fpr%2F1"), ("v1.0-rc_1~x", "v1.0-rc_1~x"),
        ("a b#c?d%", "a%20b%23c%3Fd%25"), ("é", "%C3%A9"),
    ])
    func `a revision is one segment of a path`(text: String, path: String) throws {
        #expect(try Revision(text).path == path)
    }

    @Test(arguments: ["", ".", "..", "a/../b", "a\nb", "\0", "\u{7F}"])
    func `a revision that git would refuse is a bad request`(text: String) {
        #expect(failure { () throws(Failure) in _ = try Revision(text) }?.kind == .badRequest)
    }
}
