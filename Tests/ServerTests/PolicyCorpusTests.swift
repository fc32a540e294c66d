@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Tests/corpus/policy.tsv: requests under a scope, with decisions that a program in Python made from the rules alone.
@Suite struct PolicyCorpusTests {
    static func decided(_ line: [Substring], _ scope: Scope) throws -> String {
        let isRouter = line[2].hasPrefix("ROUTER")
        let target = try Target(String(line[2].dropFirst(isRouter ? 6 : 0)))
        let operation = HubOperation.find(Method(rawValue: String(line[1])), target, at: isRouter ? .router : .hub)
        let decision: AccessDecision
        do throws(Failure) {
            let headers: Headers = line[3] == "-" ? [:] : ["Content-Type": String(line[3])]
            let body = line[4] == "-" ? [] : Array(String(line[4]).utf8)
            decision =
                scope.needsBody(operation)
                ? scope.decide(operation, try operation.needs(headers, body)) : scope.decide(operation)
        } catch {
            return error.kind == .badRequest ? "400" : "\(error)"
        }
        switch decision {
        case .allow(let permit):
            return permit.withoutCredential ? "public" : permit.response == .filtered ? "filtered" : "allow"
        case .refuse(let refusal) where refusal.looksAbsent: return "404"
        case .refuse(let refusal): return refusal.reason == .ambiguous ? "403" : "403 \(refusal.action)"
        }
    }

    static func scope(_ text: Substring) throws -> Scope {
        Scope(try text.split(separator: "; ").map { try Rule(String($0)) })
    }

    @Test("Each request is decided as it should be, under each scope")
    func decisions() throws {
        let lines = try Corpus.rows(of: "policy.tsv", columns: 6)
        #expect(lines.count > 4000)
        var scopes: [Substring: Scope] = [:]
        var wrong: [String] = []
        for line in lines {
            let scope = try scopes[line[0]] ?? Self.scope(line[0])
            scopes[line[0]] = scope
            let found = try Self.decided(line, scope)
            let isSame = found == line[5] || line[5] == "403" && found.hasPrefix("403")
            if !isSame { wrong.append("\(line[0]) | \(line[1]) \(line[2]) \(line[4]): \(found), expected \(line[5])") }
        }
        #expect(wrong.prefix(40) == [])
    }
}
