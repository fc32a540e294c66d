@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct JudgedBodyTests {
    private let create: HubOperation
    private let good = Array(#"{"organization":"acme","name":"x","private":true}"#.utf8)

    init() throws {
        create = HubOperation.find(.post, try Target("/api/repos/create"))
    }

    private func failure(_ headers: Headers, _ body: [UInt8], _ operation: HubOperation? = nil) -> Failure? {
        #expect(throws: Failure.self) { try (operation ?? create).needs(headers, body) }
    }

    @Test("A body in JSON's type and in UTF-8 is judged")
    func types() throws {
        for type in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
            #expect(try create.needs(["Content-Type": type], good).map(\.action) == [.create])
        }
        #expect(
            try create.needs(["Content-Type": "application/json", "Content-Encoding": "identity"], good).count == 1)
    }

    @Test(
        "A body that the Hub could read in another way than we do is refused for its type",
        arguments: [
            ["Content-Type": "application/x-www-form-urlencoded"], ["Content-Type": "text/plain"], [:],
            ["Content-Type": "application/json; charset=utf-16"],
            ["Content-Type": "application/json; charset=\"utf-7\""],
            ["Content-Type": "application/json", "content-type": "application/x-www-form-urlencoded"],
            ["Content-Type": "application/json", "Content-Encoding": "gzip"],
            ["Content-Type": "multipart/form-data; boundary=x"],
            ["Content-Type": "application/jsonx"],
        ] as [Headers])
    func otherTypes(headers: Headers) {
        #expect(failure(headers, good)?.kind == .unsupportedMediaType)
    }

    @Test("What is too long to judge, or no JSON object, or has a member twice, is refused with a sentence")
    func bounds() {
        let headers: Headers = ["Content-Type": "application/json"]
        #expect(failure(headers, Array(repeating: 0x20, count: JudgedBody.longest + 1))?.kind == .payloadTooLarge)
        #expect(failure(headers, Array("[]".utf8))?.detail == "The body must be a JSON object.")
        #expect(
            failure(headers, Array(#"{"name":"a","name":"b"}"#.utf8))?.detail
                == #"The field "name" is there twice; leave one out."#)
        #expect(failure(headers, [])?.detail == #"The field "name" must be a string, was missing."#)
        #expect(
            failure(headers, Array(#"{"name":"x","visibility":"Private"}"#.utf8))?.detail.contains("visibility") == true
        )
        #expect(failure(headers, Array((String(repeating: "[", count: 100)).utf8))?.detail.contains("nested") == true)
    }

    @Test("A byte order mark, which some readers refuse and others skip, is refused")
    func byteOrderMark() {
        let body = [0xEF, 0xBB, 0xBF] + good
        #expect(failure(["Content-Type": "application/json"], body)?.detail == "The body must be a JSON object.")
    }

    @Test(
        "A batch for a bucket in another charset is refused: what it copies from would be other bytes",
        arguments: ["utf-16", "utf-7", "\"utf-32\""])
    func charsetOfBatch(charset: String) throws {
        let batch = HubOperation.find(.post, try Target("/api/buckets/acme/b/batch"))
        let line = Array(#"{"sourceRepoType":"model","sourceRepoId":"other/m"}"#.utf8)
        let type = "application/x-ndjson; charset="
        #expect(failure(["Content-Type": type + charset], line, batch)?.kind == .unsupportedMediaType)
        #expect(try batch.needs(["Content-Type": type + "utf-8"], line).map(\.action) == [.write, .read])
    }

    @Test(
        "A model's name that a server could read as another one is none that a rule names",
        arguments: ["acme/../other/m", "acme/.", "./acme/m", "acme//m", "/acme/m", "acme/m/", "acme/ m", "acme/m/.."])
    func models(name: String) throws {
        let chat = HubOperation.find(.post, try Target("/v1/chat/completions"), at: .router)
        let body = Array(#"{"model":"\#(name)"}"#.utf8)
        let scope = Scope([try Rule("infer acme/*")])
        let needs = try chat.needs(["Content-Type": "application/json"], body)
        #expect(scope.decide(chat, needs).permit == nil)
        #expect(
            Scope([try Rule("infer acme/*")]).decide(chat, [HubNeed(.infer, HubResource(model: "acme/m.."))]).permit
                != nil)
    }

    @Test("Who says nothing of visibility publishes; what contradicts itself publishes; protected publishes")
    func visibility() throws {
        for (members, publishes) in [
            ("", true), (#","private":true"#, false), (#","private":null,"visibility":"private""#, false),
            (#","visibility":"protected""#, true),
            (#","private":true,"visibility":"protected""#, true), (#","private":false,"visibility":"private""#, true),
        ] {
            let needs = try create.needs(["Content-Type": "application/json"], Array(#"{"name":"x"\#(members)}"#.utf8))
            #expect(needs.contains { $0.action == .publish } == publishes, "\(members)")
        }
    }

    @Test(
        "Only a gate at which each request waits for consent takes no right to publish",
        arguments: [
            (#"{"gated":"manual"}"#, false), (#"{"gated":"manual","private":true}"#, false),
            (#"{"private":true}"#, false),
            ("{}", false), (#"{"gated":"auto"}"#, true), (#"{"gated":false}"#, true), (#"{"gated":"false"}"#, true),
            (#"{"gated":0}"#, true), (#"{"gated":null}"#, true), (#"{"gated":""}"#, true),
            (#"{"gated":"Manual"}"#, true),
            (#"{"gated":" manual"}"#, true), (#"{"gated":true}"#, true), (#"{"gated":["manual"]}"#, true),
            (#"{"gated":{}}"#, true), (#"{"g\u0061ted":"auto"}"#, true), (#"{"gated":"auto","private":true}"#, true),
            (#"{"gated":"m\u0061nual"}"#, false),
        ])
    func gates(body: String, publishes: Bool) throws {
        for path in ["/api/models/acme/x/settings", "/api/datasets/acme/x/settings", "/api/buckets/acme/b/settings"] {
            let settings = HubOperation.find(.put, try Target(path))
            let needs = try settings.needs(["Content-Type": "application/json"], Array(body.utf8))
            #expect(needs.map(\.action) == (publishes ? [.settings, .publish] : [.settings]), "\(path) \(body)")
        }
    }

    @Test("Without an owner it is the token's, which is named where it is known")
    func own() throws {
        let headers: Headers = ["Content-Type": "application/json"]
        let body = Array(#"{"name":"x","private":true}"#.utf8)
        #expect(try create.needs(headers, body)[0].resource.form == .ownRepo)
        #expect(
            try create.needs(headers, body, account: "acme")[0].resource
                == HubResource(kind: .model, owner: "acme", name: "x"))
        let bucket = HubOperation.find(.delete, try Target("/api/buckets/ME/x"))
        #expect(bucket.resource.form == .ownRepo && bucket.resource.description == "bucket:me/x")
    }

    @Test("A batch for a bucket needs what it copies from, also where the name hides behind escapes")
    func copies() throws {
        let operation = HubOperation.find(.post, try Target("/api/buckets/acme/b/batch"))
        let headers: Headers = ["Content-Type": "application/x-ndjson"]
        let lines = [
            #"{"type":"addFile","path":"a","xetHash":"00"}"#,
            #"{"type":"copyFile","path":"b","sourceRepoType":"dataset","sourceRepoId":"other/d"}"#,
            #"{"type":"copyFile","path":"c","\u0073ourceRepoType":"model","s\u006furceRepoId":"other/m"}"#,
            #"{"type":"copyFile","path":"d","sourceRepoType":"dataset","sourceRepoId":"other/d"}"#,
        ]
        let needs = try operation.needs(headers, Array(lines.joined(separator: "\n").utf8))
        #expect(
            needs.map { "\($0.action) \($0.resource)" } == [
                "write bucket:acme/b", "read dataset:other/d", "read model:other/m",
            ])
        #expect(
            failure(["Content-Type": "application/json"], Array(lines[1].utf8), operation)?.kind
                == .unsupportedMediaType)
        #expect(
            failure(headers, Array(#"{"sourceRepoId":"a/b"}"#.utf8), operation)?.detail.contains("sourceRepoType")
                == true)
        let many = Array(repeatElement(lines[1] + "\n", count: 1001).joined().utf8)
        #expect(failure(headers, many, operation)?.detail.contains("send several") == true)
        let sources = (0..<65).map { #"{"sourceRepoType":"dataset","sourceRepoId":"other/d\#($0)"}"# }.joined(
            separator: "\n")
        #expect(failure(headers, Array(sources.utf8), operation)?.detail.contains("more than 64 repositories") == true)
    }

    @Test("A batch may have as many lines as bytes, with a source in the last")
    func manyLines() throws {
        let batch = HubOperation.find(.post, try Target("/api/buckets/acme/b/batch"))
        let headers: Headers = ["Content-Type": "application/x-ndjson"]
        let last = Array(#"{"sourceRepoType":"model","sourceRepoId":"other/m"}"#.utf8)
        for line in ["\n", "a\n", "R\n", "\r\n"] {
            let lines = [UInt8](repeatElement(Array(line.utf8), count: 500_000 / line.utf8.count).joined())
            #expect(try batch.needs(headers, lines).map(\.action) == [.write])
            #expect(try batch.needs(headers, lines + last).map(\.action) == [.write, .read])
        }
    }

    @Test(
        "A body that is an object by its bytes is judged, or refused, whatever it says that it is",
        arguments: ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"])
    func modelByBytes(type: String) throws {
        for path in ["/v1/chat/completions", "/hf-inference/models/acme/x/v1/chat/completions"] {
            let chat = HubOperation.find(.post, try Target(path), at: .router)
            for body in [#"{"model":"other/m"}"#, " \n\t{\"model\":\"other/m\"}", "\u{FEFF}{\"model\":\"other/m\"}"] {
                #expect(failure(["Content-Type": type], Array(body.utf8), chat) != nil, "\(path) \(body)")
            }
            #expect(try !chat.needs(["Content-Type": type], Array("RIFF".utf8)).isEmpty)
        }
    }

    @Test("The model is the path's and the body's; what is no plain name is within a rule for all only")
    func models() throws {
        let headers: Headers = ["Content-Type": "application/json"]
        func needs(_ path: String, _ body: String, _ headers: Headers) throws -> [String] {
            try HubOperation.find(.post, Target(path), at: .router).needs(headers, Array(body.utf8)).map(
                \.resource.description)
        }
        #expect(try needs("/v1/chat/completions", #"{"model":"a/b:groq"}"#, headers) == ["model:a/b:groq"])
        #expect(try needs("/groq/openai/v1/chat/completions", #"{"model":"llama"}"#, headers) == ["model:llama"])
        #expect(
            try needs("/fal-ai/fal-ai/flux", #"{"model":"cheap/x"}"#, headers) == [
                "model:fal-ai/fal-ai/flux", "model:cheap/x",
            ])
        #expect(try needs("/hf-inference/models/a%2Fb", "", headers) == ["model:"])
        #expect(try needs("/v1/audio/transcriptions", "--x", ["Content-Type": "multipart/form-data"]) == ["model:"])
        #expect(try needs("/v1/chat/completions", #"{"model":"/a/b"}"#, headers) == ["model:"])
        let scope = Scope([try Rule("infer *"), try Rule("deny infer acme/*")])
        let hidden = HubOperation.find(.post, try Target("/hf-inference/models/acme%2Fm"), at: .router)
        #expect(scope.decide(hidden, try hidden.needs(headers, [])).permit == nil)
    }
}
