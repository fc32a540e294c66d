import CEvent
import Foundation
@testable import HTTP
@testable import Hub
import Testing

/// Tests/corpus/responses.tsv; the README beside it has the format.
private struct ResponseLine: CustomTestStringConvertible {
    let id: String
    let isToHead: Bool
    /// The columns `outcome`, `keeps` and `status and content`.
    let verdict: ResponseVerdict
    let raw: [UInt8]

    var testDescription: String { id }

    static func all() throws -> [ResponseLine] {
        try Corpus.rows(of: "responses.tsv", columns: 7).map { columns in
            ResponseLine(
                id: String(columns[0]), isToHead: columns[1] == "HEAD",
                verdict: ResponseVerdict(
                    outcome: String(columns[2]), keeps: String(columns[3]), content: String(columns[4])),
                raw: try Corpus.unescape(columns[6]))
        }
    }
}

/// What a parser's events amount to, in the words of the corpus.
private struct ResponseVerdict: Equatable {
    var outcome: String
    var keeps: String
    var content: String
}

/// Feeds `raw` in pieces that end at `cuts`, then the end of the connection; nil when a promise of the interface is broken.
private func verdict(of raw: [UInt8], toHead: Bool, cutAt cuts: [Int]) -> ResponseVerdict? {
    guard let parser = unsafe ce_response_parser_new() else { return nil }
    defer { unsafe ce_response_parser_free(parser) }
    unsafe ce_response_begin(parser, toHead)
    var received = 0
    var head: (status: Int, keeps: Bool)?
    var isOver = false
    var behind = 0
    var start = 0
    for cut in cuts + [raw.count] {
        guard !isOver else { break }
        let piece = raw[start..<cut]
        start = cut
        let isSound = unsafe piece.withUnsafeBufferPointer { piece in
            var at = 0
            while true {
                var consumed = 0
                let rest = unsafe UnsafeBufferPointer(rebasing: piece[at...])
                let event = unsafe ce_response_feed(parser, rest.baseAddress, rest.count, &consumed)
                guard consumed <= rest.count else { return false }
                at += consumed
                switch event {
                case CE_RESPONSE_HEAD:
                    let parsed = unsafe ce_response_parsed(parser).pointee
                    head = unsafe (Int(parsed.status), parsed.keeps)
                case CE_RESPONSE_CONTENT:
                    let span = unsafe ce_response_content(parser)
                    guard span.length > 0, Int(span.offset + span.length) <= consumed else { return false }
                    received += Int(span.length)
                case CE_RESPONSE_MORE:
                    return at == piece.count
                case CE_RESPONSE_END:
                    isOver = true
                    behind = piece.count - at
                    return true
                default:
                    isOver = true
                    return consumed == 0
                }
            }
        }
        guard isSound else { return nil }
    }
    let endsInOrder = unsafe ce_response_input_ended(parser) == CE_RESPONSE_END
    guard endsInOrder, let head else {
        let rule = unsafe String(cString: ce_response_fault(parser).rule)
        return ResponseVerdict(outcome: "faulty \(rule)", keeps: "-", content: head.map { "\($0.status) cut" } ?? "-")
    }
    behind += raw.count - start
    let outcome = !isOver ? "at close" : behind > 0 ? "whole +\(behind)" : "whole"
    return ResponseVerdict(
        outcome: outcome, keeps: head.keeps ? "keep" : "close", content: "\(head.status) \(received)")
}

@Suite("The response corpus")
struct ResponseCorpusTests {
    @Test("has at least 140 lines, each with an id of its own, and meets every rule that is not about memory")
    func isLarge() throws {
        let lines = try ResponseLine.all()
        #expect(lines.count >= 140)
        #expect(Set(lines.map(\.id)).count == lines.count)
        let rules = Set(lines.map(\.verdict.outcome).filter { $0.hasPrefix("faulty") })
        #expect(rules.count == 26)
    }

    @Test("is judged as it says: whole, byte by byte, and cut in two at every place")
    func judged() throws {
        for line in try ResponseLine.all() {
            let everyByte = Array(line.raw.indices.dropFirst())
            // In long lines only the first places: what is long there is one field, or the same one again.
            let places = everyByte.prefix(600).map { [$0] }
            for cuts in [[], everyByte] + places {
                let found = verdict(of: line.raw, toHead: line.isToHead, cutAt: cuts)
                #expect(found == line.verdict, "\(line.id) cut at \(cuts.prefix(3))")
            }
        }
    }
}
