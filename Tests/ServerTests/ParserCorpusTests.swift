@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What holds of the parsers for any input holds for those that fuzzers have found, and for the corners that are known.
struct ParserCorpusTests {
    struct Line: CustomStringConvertible, Sendable {
        let property: String
        let bytes: [UInt8]
        var description: String { "\(property): \(String(decoding: bytes.prefix(80), as: UTF8.self))" }
    }

    private static let lines: [Line] = {
        let lines = try? Corpus.lines(of: "parsers.tsv").map { line in
            let parts = line.split(separator: "\t", maxSplits: 1)
            return Line(property: String(parts[0]), bytes: try Corpus.unescape(parts[1]))
        }
        return lines ?? []
    }()

    @Test("The corpus is there")
    func corpus() {
        #expect(Self.lines.count >= 20)
        #expect(Set(Self.lines.map(\.property)) == Set(ParserProperties.all.map(\.name)))
    }

    @Test("Every property holds for every line", arguments: lines)
    func holds(_ line: Line) {
        for (name, check) in ParserProperties.all { #expect(check(line.bytes) == nil, "\(name)") }
    }
}
