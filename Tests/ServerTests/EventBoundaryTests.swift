@testable import Server
import Testing

@Suite struct EventBoundaryTests {
    private static let streams = [
        "", "data: a\n\n", "data: a\r\n\r\n", "data: a\ndata: b\n\n: comment\n\nid: 1\n\n", "\n", "\r\n", "\n\n\n",
        "data: a\r\n\n",
        "data: a\n\r\n",
    ]
    private static let insides = [
        "d", "data: a", "data: a\n", "data: a\r", "data: a\r\n", "data: a\n\ndata: b", "data: a\n\n:", "data: a\r\n\r",
        "data: a\n\r", "\r", "data: a\r\r", "data: a\n\ndata: b\n",
    ]

    private func isBetween(_ pieces: [some Collection<UInt8>]) -> Bool {
        var boundary = EventBoundary()
        for piece in pieces { boundary.note(Array(piece).span) }
        return boundary.isHere
    }

    @Test(
        "A stream stands between events at its beginning and behind each blank line, however it was cut",
        arguments: streams)
    func between(text: String) {
        for pieces in cuts(text) { #expect(isBetween(pieces), "\(pieces)") }
    }

    @Test("Inside a line, behind a line, and behind half of a CRLF it does not, however it was cut", arguments: insides)
    func inside(text: String) {
        for pieces in cuts(text) { #expect(!isBetween(pieces), "\(pieces)") }
    }

    @Test("Every prefix of a stream is judged the same whole and byte by byte")
    func prefixes() {
        let text = Array("data: a\r\n\r\ndata: b\n\n\r\rdata: c\r\rx\n\r\n\r\n\n".utf8)
        for end in 0...text.count {
            #expect(isBetween([text[..<end]]) == isBetween(text[..<end].map { [$0] }))
        }
    }

    /// Whole, byte by byte, and at each place in two.
    private func cuts(_ text: String) -> [[[UInt8]]] {
        let bytes = Array(text.utf8)
        return [[bytes], bytes.map { [$0] }] + bytes.indices.map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
    }
}
