@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Tests/corpus/operations.tsv: what each request does, by a reading of the Hub's API that shares nothing with the table.
@Suite struct OperationCorpusTests {
    private static func mismatches(where isMeant: (_ expected: Substring) -> Bool) throws -> (
        count: Int, wrong: [String]
    ) {
        var (count, wrong) = (0, [String]())
        for line in try Corpus.rows(of: "operations.tsv", columns: 4) where isMeant(line[2]) {
            count += 1
            // A text that is no target reaches no server.
            guard let target = try? Target(String(line[1])) else { continue }
            let operation = HubOperation.find(Method(rawValue: String(line[0])), target)
            let found = shown(operation)
            let isSame =
                line[2] == "!"
                ? operation.row == nil : found.actions == line[2] && (line[3] == "?" || found.resource == line[3])
            if !isSame { wrong.append("\(line[0]) \(line[1]): \(found), expected \(line[2]) \(line[3])") }
        }
        return (count, wrong)
    }

    private static func shown(_ operation: HubOperation) -> (actions: String, resource: String) {
        let others = operation.sufficient.elements.filter { $0 != operation.action }
        return (([operation.action] + others).map(\.name).joined(separator: "|"), operation.resource.description)
    }

    @Test("Each row of the Hub's API, plainly written, is the action and the resource that it should be")
    func plain() throws {
        let (count, wrong) = try Self.mismatches { $0 != "!" }
        #expect(count > 500)
        #expect(wrong == [])
    }

    @Test(
        "A path that could be read in another way fits no row: escapes, capitals, slashes, dots, .git, unicode, overlong names"
    )
    func ambiguous() throws {
        let (count, wrong) = try Self.mismatches { $0 == "!" }
        #expect(count > 2500)
        #expect(wrong == [])
    }

    @Test("Each way to write each row's path finds that row, or one that is more special")
    func ownRows() throws {
        for (index, row) in HubOperationsTable.all.enumerated() {
            for pattern in OperationPattern.all(of: row) {
                let path = "/" + pattern.segments.map(Self.sample).joined(separator: "/")
                let target = try Target(path + (row.notes.contains(.gitService) ? "?service=git-upload-pack" : ""))
                for method in row.methods {
                    let operation = HubOperation.find(method, target, at: row.origin)
                    let found = try #require(operation.row, "\(method) \(path)")
                    #expect(
                        operation.reading == .row(index) || found.path != row.path, "\(method) \(path): \(found.path)")
                }
            }
        }
    }

    private static func sample(_ segment: OperationPattern.Segment) -> String {
        switch segment {
        case .literal(let text): text
        case .owner, .namespace: "acme"
        case .name: "x"
        case .gitName: "x.git"
        case .number: "7"
        case .word: "w0rd"
        case .text: "refs%2Fpr%2F1"
        case .rest: "a/b%20c"
        }
    }

    @Test(
        "A file's path may have what a file's name may have, and no way out",
        arguments: [
            ("a/b.txt", true), ("100%25.txt", true), ("%C3%A9t%C3%A9/%20x", true), ("a%2Fb", true), ("a;b=c", true),
            ("été", true), ("...", true), ("a%5Cb", false), ("..%2Fx", false), ("a/%2e%2e/b", false),
            ("%252e%252e/b", false),
            ("a//b", false), ("a/", false), ("%00", false), ("%0a", false), ("a%2F", false), ("%252Fetc", false),
            ("%zz", false),
            ("%2", false), ("\\..\\x", false),
        ])
    func files(path: String, isFine: Bool) throws {
        let operation = HubOperation.find(.get, try Target("/acme/x/resolve/main/" + path))
        #expect((operation.row != nil) == isFine)
        #expect(operation.action == (isFine ? .read : .other))
    }

    @Test("What is plain and unknown is other; what is not plain is ambiguous")
    func unknown() throws {
        func reading(_ path: String) throws -> HubOperation.Reading {
            HubOperation.find(.post, try Target(path)).reading
        }
        #expect(try reading("/api/unheard-of") == .unknown)
        #expect(try reading("/") == .unknown)
        #expect(try reading("/api/models/acme/x/new") == .unknown)
        for path in [
            "/api/unheard-of/", "/api/un%68eard", "/api;x", "//", "*", "/api/models/acme/x/Settings", "/a\u{301}pi",
        ] {
            #expect(try reading(path) == .ambiguous, "\(path)")
        }
        let operation = HubOperation.find(.post, try Target("/api/datasets/acme/x/new"))
        #expect(operation.resource == HubResource(kind: .dataset, owner: "acme", name: "x"))
    }

    @Test("The same path means inference at the router and a repository's at the Hub")
    func origins() throws {
        let target = try Target("/groq/openai/v1/chat/completions")
        #expect(HubOperation.find(.post, target, at: .router).action == .infer)
        #expect(HubOperation.find(.post, target, at: .hub).action == .other)
        let model = HubOperation.find(.post, try Target("/hf-inference/models/acme/m/v1/chat"), at: .router).resource
        #expect(model == HubResource(model: "acme/m"))
    }
}
