@testable import HTTP
@testable import Hub
import Testing

@Suite struct RepoDeletionAndUpdateTests {
    @Test(arguments: [
        ("{\"type\":\"model\",\"name\":\"r\"}", "{\"name\":\"r\",\"organization\":null,\"type\":\"model\"}"),
        (
            "{\"type\":\"SPACES\",\"name\":\"o/r\",\"x\":1}",
            "{\"name\":\"r\",\"organization\":\"o\",\"type\":\"space\"}"
        ),
        (
            "{\"type\":\"datasets\",\"name\":\"r\",\"organization\":\"o\"}",
            "{\"name\":\"r\",\"organization\":\"o\",\"type\":\"dataset\"}"
        ),
    ])
    func `an accepted deletion becomes the Hub's`(facade: String, sent: String) throws {
        let call = try RepoDeletion(facade: json(facade))
        #expect(try call.body.map { String(decoding: $0, as: UTF8.self) } == sent)
        #expect(call.method == .delete && call.path == "/api/repos/delete" && call.contentType == "application/json")
        try call.answer(status: .ok, headers: [:], body: Array("OK".utf8))
    }

    @Test(arguments: [
        ("{\"type\":\"model\"}", "The field \"name\" must be a string, was missing."),
        ("{\"name\":\"r\"}", "The field \"type\" must be \"model\", \"dataset\" or \"space\", was missing."),
        (
            "{\"type\":\"model\",\"name\":\"a/r\",\"organization\":\"b\"}",
            "The field \"organization\" differs from the owner in \"name\"; leave one out."
        ),
    ])
    func `a deletion that is not clear is refused`(facade: String, detail: String) {
        let thrown = failure { () throws(Failure) in _ = try RepoDeletion(facade: json(facade)) }
        #expect(thrown == .badRequest(detail))
    }

    @Test(arguments: [
        (
            "{\"type\":\"model\",\"namespace\":\"o/r\",\"private\":true}", "/api/models/o/r/settings",
            "{\"private\":true}"
        ),
        (
            "{\"type\":\"spaces\",\"namespace\":\"o/r\",\"private\":\"false\"}", "/api/spaces/o/r/settings",
            "{\"private\":false}"
        ),
        (
            "{\"type\":\"Dataset\",\"name\":\"o/r\",\"private\":\"true\"}", "/api/datasets/o/r/settings",
            "{\"private\":true}"
        ),
        (
            "{\"type\":\"model\",\"name\":\"o/r\",\"namespace\":\"o/r\",\"private\":false,\"x\":0}",
            "/api/models/o/r/settings",
            "{\"private\":false}"
        ),
        (
            "{\"type\":\"model\",\"name\":null,\"namespace\":\"o/r\",\"private\":false}", "/api/models/o/r/settings",
            "{\"private\":false}"
        ),
    ])
    func `an accepted update becomes the Hub's, with a boolean`(facade: String, path: String, sent: String) throws {
        let call = try RepoUpdate(facade: json(facade))
        #expect(call.method == .put && call.path == path && call.contentType == "application/json")
        #expect(try call.body.map { String(decoding: $0, as: UTF8.self) } == sent)
        #expect(call.namespace == "o")
        try call.answer(status: .ok, headers: [:], body: [])
    }

    @Test(arguments: [
        ("{\"type\":\"model\",\"private\":true}", "The field \"namespace\" must be a string, was missing."),
        (
            "{\"type\":\"model\",\"namespace\":null,\"private\":true}",
            "The field \"namespace\" must be a string, was null."
        ),
        ("{\"type\":\"model\",\"namespace\":\"r\",\"private\":true}", "The field \"namespace\" must be \"owner/name\""),
        ("{\"type\":\"model\",\"name\":\"r\",\"private\":true}", "The field \"name\" must be \"owner/name\""),
        ("{\"type\":\"model\",\"name\":\"o/a\",\"namespace\":\"o/b\",\"private\":true}", "The field \"name\" differs"),
        (
            "{\"type\":\"model\",\"namespace\":1,\"private\":true}",
            "The field \"namespace\" must be a string, was a number."
        ),
        ("{\"type\":\"model\",\"namespace\":\"o/r\"}", "The field \"private\" must be true or false, was missing."),
        (
            "{\"type\":\"model\",\"namespace\":\"o/../r\",\"private\":true}",
            "The field \"namespace\" must have at most one"
        ),
        ("{\"type\":\"model\",\"namespace\":\"../r\",\"private\":true}", "The field \"namespace\" must have an owner"),
        (
            "{\"type\":\"model\",\"namespace\":\"o/r?x\",\"private\":true}",
            "The field \"namespace\" must have a name of letters"
        ),
    ])
    func `an update that is not clear is refused`(facade: String, detail: String) {
        let thrown = failure { () throws(Failure) in _ = try RepoUpdate(facade: json(facade)) }
        #expect(thrown?.kind == .badRequest)
        #expect(thrown?.detail.hasPrefix(detail) == true, "\(thrown?.detail ?? "")")
    }
}
