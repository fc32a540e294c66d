@testable import EventIO
@testable import HTTP
@testable import Hub
import Testing

/// What a driver's events amount to, in the words of the corpus.
private struct Verdict: Equatable {
    var outcome: String
    var rule: String
    var targets: String

    init(outcome: String, rule: String, targets: String) {
        self.outcome = outcome
        self.rule = rule
        self.targets = targets
    }

    init(_ events: [ParserDriver.Event]) {
        var targets: [String] = []
        var body = 0
        var answers = 0
        var refusal: (status: Int, rule: String)?
        var isOpen = false
        for event in events {
            switch event {
            case .head(let head):
                targets.append("\(head.method) \(head.target)")
                isOpen = true
            case .body(let bytes):
                body = bytes.count
            case .end:
                if body > 0 { targets[targets.count - 1] += " \(body)" }
                body = 0
                answers += 1
                isOpen = false
            case .refused(let status, let rule):
                refusal = (status, rule)
            }
        }
        if isOpen { targets[targets.count - 1] += " cut" }
        outcome = refusal.map { "\($0.status)" } ?? "ok \(answers)"
        rule = refusal?.rule ?? "-"
        self.targets = targets.isEmpty ? "-" : targets.joined(separator: ";")
    }
}

@Suite("The request corpus")
struct RequestParserCorpusTests {
    @Test("has at least 200 lines, each with an id of its own")
    func isLarge() throws {
        let ids = try Corpus.lines().map(\.id)
        #expect(ids.count >= 200)
        #expect(Set(ids).count == ids.count)
    }

    @Test("is judged as it says, whole", arguments: try Corpus.lines())
    func whole(_ line: Corpus.Line) throws {
        let events = try #require(ParserDriver.events(of: line.raw, stopsAtClose: true))
        #expect(Verdict(events) == Verdict(outcome: line.outcome, rule: line.rule, targets: line.targets))
    }

    @Test("is judged as it says, byte by byte", arguments: try Corpus.lines())
    func byteByByte(_ line: Corpus.Line) throws {
        let cuts = Array(line.raw.indices.dropFirst())
        let events = try #require(ParserDriver.events(of: line.raw, cutAt: cuts, stopsAtClose: true))
        #expect(Verdict(events) == Verdict(outcome: line.outcome, rule: line.rule, targets: line.targets))
    }

    @Test("meets every rule that is not about the gate's own memory")
    func meetsEveryRule() throws {
        #expect(Set(try Corpus.lines().map(\.rule)).subtracting(["-"]).count == 44)
    }
}
