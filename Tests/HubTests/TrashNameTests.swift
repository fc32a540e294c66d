@testable import HTTP
@testable import Hub
import Testing

@Suite struct TrashNameTests {
    private let hub = "https://huggingface.co"

    @Test("Each name is another one, is good for the Hub beside the longest owner, and is known as one")
    func names() throws {
        let names = (0..<1000).map { _ in TrashName.make() }
        #expect(Set(names).count == names.count)
        for name in names {
            let id = try RepoID(namespace: String(repeating: "o", count: RepoID.longest), name: name)
            #expect(TrashName.isReserved(id.name) && name.utf8.count <= RepoID.longest)
        }
    }

    @Test("A name is told by its beginning, in any case of its letters, and by nothing else")
    func reserved() {
        for name in ["hubgate-trash-x", "HubGate-Trash-x", "hubgate-trash-"] { #expect(TrashName.isReserved(name)) }
        for name in ["", "hubgate", "hubgate-trash", "my-hubgate-trash-x", "hubgate-trashx", "hubgate_trash-x"] {
            #expect(!TrashName.isReserved(name), "\(name)")
        }
        #expect(TrashName.isReserved(HubResource(kind: .model, owner: "acme", name: "hubgate-trash-x")))
        #expect(!TrashName.isReserved(HubResource(kind: .model, owner: "hubgate-trash-x", name: "m")))
        #expect(!TrashName.isReserved(.none))
    }

    @Test("A redirect to its page, its files or its API leads there, whatever the form")
    func led() {
        for location in [
            "/api/models/acme/hubgate-trash-x", "/api/datasets/acme/hubgate-trash-x/tree/main?recursive=true",
            "/acme/hubgate-trash-x/resolve/main/config.json", "/datasets/acme/HUBGATE-trash-x/resolve/main/a",
            "/api/resolve-cache/models/acme/hubgate-trash-x/0123/config.json", "/acme/hubgate-trash-x",
            "/acme/hubgate-trash-x.git/info/refs?service=git-upload-pack", "/spaces/acme/hubgate-trash-x",
            "https://huggingface.co/api/models/acme/hubgate-trash-x", "/api//models/acme/hubgate-trash-x",
            "/login?next=%2Facme%2Fhubgate-trash-x", "/api/models/acme/hubgate-trash-x/a b",
        ] {
            #expect(TrashName.isLedTo(by: location, at: hub), "\(location)")
        }
        for location in [
            "", "/api/models/acme/x", "/acme/x/resolve/main/hubgate-trash-notes.txt",
            "/api/resolve-cache/models/acme/x/0123/hubgate-trash-a", "https://cdn.hf.co/hubgate-trash-x",
            "/acme/my-hubgate-trash-x",
        ] {
            #expect(!TrashName.isLedTo(by: location, at: hub), "\(location)")
        }
    }

    @Test("The name is found in a text as it stands and percent-encoded")
    func stands() {
        #expect(
            TrashName.stands(in: "/api//models/acme/hubgate-trash-x") && TrashName.stands(in: "/a/hubgate%2Dtrash%2Dx"))
        #expect(!TrashName.stands(in: "/api/models/acme/x?y=hubgate"))
    }

    @Test("A move says both names and the kind")
    func move() throws {
        let call = RepoMove(kind: .dataset, from: try RepoID("acme/a"), to: try RepoID("acme/b"))
        #expect(call.method == .post && call.path == "/api/repos/move" && call.contentType == "application/json")
        #expect(
            try JSON.parse(try #require(try call.body), within: .order)
                == ["fromRepo": "acme/a", "toRepo": "acme/b", "type": "dataset"])
    }

    @Test("What the Hub says of a repository is read as far as it can be relied on")
    func inspection() throws {
        let call = RepoInspection(kind: .space, id: try RepoID("acme/a"))
        #expect(call.method == .get && call.path == "/api/spaces/acme/a?expand=private")
        func read(_ text: String) throws -> RepoInspection.Facts { try call.read(Array(text.utf8)) }
        #expect(
            try read(#"{"_id":"5","id":"Acme/a","private":true}"#)
                == RepoInspection.Facts(serial: "5", id: try RepoID("Acme/a"), isPrivate: true))
        #expect(
            try read(#"{"_id":5,"id":"a/b/c","private":"yes"}"#)
                == RepoInspection.Facts(serial: nil, id: nil, isPrivate: nil))
        #expect(throws: Failure.self) { try read("[]") }
    }
}
