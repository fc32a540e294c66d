@testable import HTTP
@testable import Hub
import Testing

/// An order to `/api/repo` that is refused, and why.
struct FaultyOrder: Sendable, CustomTestStringConvertible {
    var method = Method.post
    let body: JSON
    /// What the error says.
    let words: String

    var testDescription: String { "\(method): \(words)" }

    private static func put(_ body: JSON, _ words: String) -> FaultyOrder {
        FaultyOrder(method: .put, body: body, words: words)
    }

    private static func delete(_ body: JSON, _ words: String) -> FaultyOrder {
        FaultyOrder(method: .delete, body: body, words: words)
    }

    static let all = [
        FaultyOrder(body: [], words: "must be a JSON object, was an array"),
        FaultyOrder(body: "x", words: "must be a JSON object, was a string"),
        FaultyOrder(body: [:], words: #"The field "type" must be "model", "dataset" or "space", was missing"#),
        FaultyOrder(body: ["type": 1], words: #"The field "type" must be"#),
        FaultyOrder(body: ["type": "modell"], words: #"The field "type" must be"#),
        FaultyOrder(body: ["type": "model"], words: #"The field "name" must be a string, was missing"#),
        FaultyOrder(body: ["type": "model", "name": 7], words: "was a number"),
        FaultyOrder(
            body: ["type": "model", "name": "a"], words: #"The field "private" must be true or false, was missing"#),
        FaultyOrder(body: ["type": "model", "name": "a", "private": 1], words: "was a number"),
        FaultyOrder(body: ["type": "model", "name": "a", "private": "yes"], words: "was another string"),
        FaultyOrder(body: ["type": "model", "name": "a--b", "private": true], words: "without \"--\""),
        FaultyOrder(body: ["type": "model", "name": "a.git", "private": true], words: ".git"),
        FaultyOrder(body: ["type": "model", "name": "-a", "private": true], words: "neither starts nor ends"),
        FaultyOrder(body: ["type": "model", "name": "ä", "private": true], words: "letters a-z"),
        FaultyOrder(body: ["type": "model", "name": "", "private": true], words: "not empty"),
        FaultyOrder(body: ["type": "model", "name": "a/b/c", "private": true], words: "at most one slash"),
        FaultyOrder(
            body: ["type": "model", "name": .string(String(repeating: "a", count: 97)), "private": true],
            words: "at most 96"),
        FaultyOrder(
            body: ["type": "model", "name": "a/b", "organization": "c", "private": true],
            words: "differs from the owner"
        ),
        FaultyOrder(body: ["type": "space", "name": "a", "sdk": "java", "private": true], words: #"The field "sdk""#),
        put(["type": "model", "namespace": "a", "private": true], "owner/name"),
        put(["type": "model", "private": true], #"The field "namespace""#),
        put(["type": "model", "namespace": "a/../b", "private": true], "slash"),
        delete(["type": "model"], #"The field "name""#),
        delete(["type": "repo", "name": "a"], #"The field "type""#),
    ]
}
