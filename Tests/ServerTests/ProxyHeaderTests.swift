import CEvent
@testable import EventIO
import Testing

/// The reader of PROXY protocol headers, by Tests/corpus/proxy_headers.tsv.
@Suite("PROXY protocol headers")
struct ProxyHeaderTests {
    struct Line: CustomTestStringConvertible {
        let id: String
        let outcome: String
        let raw: [UInt8]

        var testDescription: String { id }
    }

    static let lines: [Line] = {
        let rows = (try? Corpus.rows(of: "proxy_headers.tsv", columns: 4)) ?? []
        return rows.map { row in
            Line(id: String(row[0]), outcome: String(row[1]), raw: (try? Corpus.unescape(row[3])) ?? [])
        }
    }()

    @Test("the corpus is there")
    func corpus() {
        #expect(Self.lines.count > 80)
    }

    @Test("each header is what the corpus says, in one piece, byte by byte, and cut at every place", arguments: lines)
    func header(line: Line) {
        #expect(outcome(line.raw, cutAt: []) == line.outcome)
        #expect(outcome(line.raw, cutAt: Array(line.raw.indices)) == line.outcome)
        // A long one is cut where its parts meet, and here and there.
        let step = max(1, line.raw.count / 300)
        for cut in stride(from: 0, to: line.raw.count, by: step) {
            #expect(outcome(line.raw, cutAt: [cut]) == line.outcome, "cut at \(cut)")
        }
    }

    @Test(
        "a header that is refused has a reason, names no client, and stays refused",
        arguments: lines.filter { $0.outcome == "refused" })
    func refused(line: Line) {
        var header = unsafe ce_proxy_header()
        var consumed = 0
        let event = unsafe ce_proxy_header_feed(&header, line.raw, line.raw.count, &consumed)
        #expect(event == CE_PROXY_REFUSED)
        let hasReason = unsafe header.reason != nil
        let hasSource = unsafe header.has_source
        #expect(hasReason && !hasSource)
        let good = Array("PROXY UNKNOWN\r\n".utf8)
        let again = unsafe ce_proxy_header_feed(&header, good, good.count, &consumed)
        #expect(again == CE_PROXY_REFUSED && consumed == 0)
    }

    /// As the corpus writes it.
    private func outcome(_ raw: [UInt8], cutAt cuts: [Int]) -> String {
        var header = unsafe ce_proxy_header()
        var (start, event) = (0, CE_PROXY_MORE)
        for cut in cuts + [raw.count] where event == CE_PROXY_MORE && cut > start {
            var consumed = 0
            let piece = Array(raw[start..<cut])
            event = unsafe ce_proxy_header_feed(&header, piece, piece.count, &consumed)
            start += consumed
        }
        switch event {
        case CE_PROXY_MORE: return "more"
        case CE_PROXY_REFUSED: return "refused"
        default:
            // What is behind the header, in later pieces too.
            let behind = raw.count - start
            guard unsafe header.has_source else { return "none +\(behind)" }
            let (source, port) = unsafe (header.source, header.source_port)
            return "source \(IPNumber(source).text) \(port) +\(behind)"
        }
    }
}
