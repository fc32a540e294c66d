@testable import HTTP
@testable import Hub
import Testing

@Suite struct RepoCreationTests {
    @Test(arguments: [
        (
            "{\"type\":\"model\",\"name\":\"r\",\"private\":true}",
            "{\"name\":\"r\",\"organization\":null,\"private\":true,\"type\":\"model\"}"
        ),
        (
            "{\"type\":\"Datasets\",\"name\":\"o/r\",\"private\":\"false\"}",
            "{\"name\":\"r\",\"organization\":\"o\",\"private\":false,\"type\":\"dataset\"}"
        ),
        (
            "{\"type\":\"models\",\"name\":\"r\",\"organization\":\"o\",\"private\":\"true\"}",
            "{\"name\":\"r\",\"organization\":\"o\",\"private\":true,\"type\":\"model\"}"
        ),
        (
            "{\"type\":\"model\",\"name\":\"o/r\",\"organization\":\"o\",\"private\":false}",
            "{\"name\":\"r\",\"organization\":\"o\",\"private\":false,\"type\":\"model\"}"
        ),
        (
            "{\"type\":\"model\",\"name\":\"r\",\"organization\":null,\"private\":false,\"license\":{\"x\":[1]}}",
            "{\"name\":\"r\",\"organization\":null,\"private\":false,\"type\":\"model\"}"
        ),
        (
            "{\"type\":\"spaces\",\"name\":\"r\",\"private\":false}",
            "{\"name\":\"r\",\"organization\":null,\"private\":false,\"sdk\":\"static\",\"type\":\"space\"}"
        ),
        (
            "{\"type\":\"space\",\"name\":\"r\",\"private\":false,\"sdk\":\"gradio\"}",
            "{\"name\":\"r\",\"organization\":null,\"private\":false,\"sdk\":\"gradio\",\"type\":\"space\"}"
        ),
        (
            "{\"type\":\"space\",\"name\":\"r\",\"private\":false,\"sdk\":null}",
            "{\"name\":\"r\",\"organization\":null,\"private\":false,\"sdk\":\"static\",\"type\":\"space\"}"
        ),
        (
            "{\"type\":\"model\",\"name\":\"r\",\"private\":false,\"sdk\":\"gradio\"}",
            "{\"name\":\"r\",\"organization\":null,\"private\":false,\"type\":\"model\"}"
        ),
    ])
    func `an accepted body becomes the Hub's`(facade: String, sent: String) throws {
        let call = try RepoCreation(facade: json(facade))
        #expect(try call.body.map { String(decoding: $0, as: UTF8.self) } == sent)
        #expect(call.method == .post && call.path == "/api/repos/create" && call.contentType == "application/json")
    }

    @Test(arguments: SpaceSDK.allCases)
    func `every kind of space can be asked for`(sdk: SpaceSDK) throws {
        let call = try RepoCreation(facade: [
            "type": "space", "name": "r", "private": true, "sdk": .string(sdk.rawValue),
        ])
        #expect(call.sdk == sdk)
    }

    static let good: [String: JSON] = ["type": "space", "name": "o/r", "private": true]

    static let refused: [(field: String, value: JSON?, says: String)] = [
        ("type", nil, "\"model\", \"dataset\" or \"space\", was missing"), ("type", .null, "was null"),
        ("type", 1, "was a number"), ("type", "kernel", "was another string"), ("type", "", "was another string"),
        ("name", nil, "must be a string, was missing"), ("name", .null, "must be a string, was null"),
        ("name", 7, "was a number"), ("name", ["a"], "was an array"), ("name", "", "not empty"),
        ("name", "a/b/c", "at most one slash"), ("name", "a b", "letters"), ("name", "../../x", "at most one slash"),
        ("private", nil, "must be true or false, was missing"), ("private", .null, "was null"),
        ("private", 1, "was a number"), ("private", 0, "was a number"), ("private", 1.5, "was a number"),
        ("private", "yes", "was another string"), ("private", "True", "was another string"),
        ("private", "", "was another string"), ("private", [true], "was an array"), ("private", [:], "was an object"),
        ("organization", "p", "differs from the owner"), ("organization", "O", "differs from the owner"),
        ("organization", "", "differs from the owner"), ("organization", true, "must be a string, was a boolean"),
        ("sdk", "flask", "must be \"gradio\", \"streamlit\", \"docker\" or \"static\""), ("sdk", "Gradio", "must be"),
        ("sdk", false, "must be a string, was a boolean"), ("sdk", "", "must be"),
    ]

    @Test(arguments: refused)
    func `a wrong field is named, with its rule and what it was`(field: String, value: JSON?, says: String) {
        var members = Self.good
        members[field] = value
        let thrown = failure { () throws(Failure) in _ = try RepoCreation(facade: .object(members)) }
        #expect(thrown?.kind == .badRequest)
        #expect(thrown?.detail.hasPrefix("The field \"\(field)\" ") == true, "\(thrown?.detail ?? "")")
        #expect(thrown?.detail.contains(says) == true, "\(thrown?.detail ?? "")")
    }

    @Test(arguments: ["", "a/b", "-o", "o b"])
    func `an organization is checked as a name is`(organization: String) {
        let thrown = failure { () throws(Failure) in
            _ = try RepoCreation(
                facade: ["type": "model", "name": "r", "private": true, "organization": .string(organization)])
        }
        #expect(thrown?.detail.hasPrefix("The field \"organization\" must have a") == true)
    }

    @Test(arguments: [JSON.null, [], "model", 1, 1.5, true])
    func `a body that is no object is refused, saying what it was`(body: JSON) {
        let refusal = Failure.badRequest("The body must be a JSON object, was \(body.kindName).")
        #expect(failure { () throws(Failure) in _ = try RepoCreation(facade: body) } == refusal)
        #expect(failure { () throws(Failure) in _ = try RepoDeletion(facade: body) } == refusal)
        #expect(failure { () throws(Failure) in _ = try RepoUpdate(facade: body) } == refusal)
    }

    @Test(arguments: [
        ("{\"url\":\"https://h/me/r\",\"name\":\"me/r\",\"id\":\"1\"}", "me/r"), ("{\"url\":\"https://h/me/r\"}", "r"),
        ("{\"url\":\"https://h/me/r\",\"name\":\"a b\"}", "r"), ("{\"url\":\"https://h/me/r\",\"name\":1}", "r"),
    ])
    func `the response names the new repository, by the Hub's name if there is one`(body: String, id: String) throws {
        let call = RepoCreation(kind: .model, id: try RepoID("r"), isPrivate: true)
        let repo = try call.answer(status: .ok, headers: [:], body: Array(body.utf8))
        #expect(try repo == Repo(kind: .model, id: RepoID(id), url: "https://h/me/r"))
    }

    @Test(arguments: ["", "OK", "{}", "[]", "{\"url\":1}", "{\"url\":null}"])
    func `a response without an address is a broken Hub`(body: String) throws {
        let call = RepoCreation(kind: .model, id: try RepoID("r"), isPrivate: true)
        let thrown = failure { () throws(Failure) in
            _ = try call.answer(status: .ok, headers: [:], body: Array(body.utf8))
        }
        #expect(thrown?.kind == .hubBroken)
    }
}
