@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

@Suite("The sandbox's reconstructions")
struct SandboxReconstructionTests {
    private static let xorbs: [String: SandboxXorb] = [
        // Chunks of 2, 3, 1, 4 bytes, and of 3 and 2.
        "a": xorb([[0, 1], [2, 3, 4], [5], [6, 7, 8, 9]]), "b": xorb([[10, 11, 12], [13, 14]]),
    ]

    private static func xorb(_ chunks: [[UInt8]]) -> SandboxXorb {
        guard let xorb = try? SandboxXorb(chunks.flatMap { XetSamples.chunk($0) }) else { preconditionFailure() }
        return xorb
    }

    /// Parts of the first xorb that lie apart, in another order and twice.
    private static let file = SandboxXetFile(
        hash: "f", sha256: "s",
        terms: [
            .init(xorb: "a", chunks: 3..<4, unpackedLength: 4), .init(xorb: "b", chunks: 0..<2, unpackedLength: 5),
            .init(xorb: "a", chunks: 0..<2, unpackedLength: 5), .init(xorb: "a", chunks: 1..<2, unpackedLength: 3),
        ])
    private static let content: [UInt8] = [6, 7, 8, 9, 10, 11, 12, 13, 14, 0, 1, 2, 3, 4, 2, 3, 4]

    private static func plan(_ wanted: Range<Int>) throws -> SandboxReconstruction {
        try #require(SandboxReconstruction(of: file, wanted) { xorbs[$0] })
    }

    @Test("Each part of a file is what a client makes of the plan for it")
    func parts() throws {
        for start in Self.content.indices {
            for end in (start + 1)...Self.content.count {
                let plan = try Self.plan(start..<end)
                var made: [UInt8] = []
                for term in plan.terms {
                    let xorb = try #require(Self.xorbs[term.xorb])
                    let chunks = try xorb.chunks[term.chunks].flatMap { try xorb.unpack($0) }
                    #expect(chunks.count == term.unpackedLength)
                    // What is not fetched cannot be had.
                    let ranges = try #require(plan.fetches.first { $0.xorb == term.xorb }).ranges
                    #expect(
                        ranges.contains {
                            $0.chunks.contains(term.chunks.lowerBound) && $0.chunks.upperBound >= term.chunks.upperBound
                        })
                    made += chunks
                }
                #expect(Array(made.dropFirst(plan.offset).prefix(end - start)) == Array(Self.content[start..<end]))
                #expect(plan.offset < (plan.terms.first?.unpackedLength ?? 0))
            }
        }
    }

    @Test("Parts of a xorb that lie apart are ranges of one fetch, and what touches is one range")
    func ranges() throws {
        let plan = try Self.plan(0..<17)
        #expect(plan.fetches.map(\.xorb) == ["a", "b"])
        #expect(plan.fetches[0].ranges.map(\.chunks) == [0..<2, 3..<4])
        #expect(plan.fetches[0].field == "bytes=0-20,30-41")
        #expect(plan.fetches[1].field == "bytes=0-20")
        let newer = plan.json2 { "https://\($0.xorb)/\($0.field)" }
        guard case .array(let fetches)? = newer["xorbs"]?["a"] else { throw SandboxRefusal.noSuchPage }
        #expect(fetches.count == 1 && fetches[0]["url"] == "https://a/bytes=0-20,30-41")
        let older = plan.json1 { "https://\($0.xorb)/\($0.field)" }
        guard case .array(let infos)? = older["fetch_info"]?["a"] else { throw SandboxRefusal.noSuchPage }
        #expect(infos.map { $0["url"] } == ["https://a/bytes=0-20", "https://a/bytes=30-41"])
        #expect(infos[1]["url_range"] == ["start": 30, "end": 41] && infos[1]["range"] == ["start": 3, "end": 4])
    }

    @Test("Without one of its xorbs there is no plan")
    func missing() {
        #expect(SandboxReconstruction(of: Self.file, 0..<17) { $0 == "b" ? nil : Self.xorbs[$0] } == nil)
    }
}
