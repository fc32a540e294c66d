@testable import HTTP
import Testing

struct StringContainsTests {
    @Test(
        "A part is found by its bytes, wherever it stands",
        arguments: [
            ("/api/models/a/commit/b", "/commit/", true), ("/commit", "/commit/", false), ("aab", "ab", true),
            ("", "a", false), ("a", "", true), ("", "", true), ("abc", "abc", true), ("abc", "abcd", false),
            ("/a\u{301}/b", "/a", true), ("/tree/\u{301}x", "/tree/", true), ("\u{E9}", "e", false),
            (String(repeating: "/a", count: 4000) + "/b", "/b", true),
        ])
    func contains(_ text: String, _ part: String, _ expected: Bool) {
        #expect(text.contains(part) == expected)
    }

    @Test(
        "One of several paths is found wherever it stands",
        arguments: [
            ("/api/spaces/a/b/logs/run", true), ("/api/spaces/a/b/events", true), ("/events", true), ("/event", false),
            ("", false), ("/", false), ("events", false), ("//events", true), ("/logs", false), ("/logs/", true),
        ])
    func containsAny(_ text: String, _ expected: Bool) {
        #expect(text.contains(anyOf: ["/logs/", "/events"]) == expected)
    }
}
