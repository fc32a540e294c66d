package import Hub

/// What to fetch for a file, or for a part of it (huggingface.co/docs/xet/download-protocol).
package struct SandboxReconstruction {
    /// Separate parts of one xorb, in order.
    package struct Fetch {
        package let xorb: String
        package let ranges: [(chunks: Range<Int>, bytes: Range<Int>)]

        /// For the Range field.
        package var field: String {
            "bytes=" + ranges.map { "\($0.bytes.lowerBound)-\($0.bytes.upperBound - 1)" }.joined(separator: ",")
        }
    }

    /// How many bytes of the first term were not asked for.
    package private(set) var offset = 0
    package private(set) var terms: [SandboxXetFile.Term] = []
    package private(set) var fetches: [Fetch] = []

    /// `wanted` must not be empty, nor reach beyond the file. Nil if a xorb does not exist any more.
    package init?(of file: SandboxXetFile, _ wanted: Range<Int>, xorbs: (String) -> SandboxXorb?) {
        var position = 0
        for term in file.terms {
            guard let xorb = xorbs(term.xorb) else { return nil }
            let chunks = term.chunks.filter { index in
                let start = position
                position += xorb.chunks[index].unpackedLength
                if start <= wanted.lowerBound, wanted.lowerBound < position, terms.isEmpty {
                    offset = wanted.lowerBound - start
                }
                return start < wanted.upperBound && wanted.lowerBound < position
            }
            guard let first = chunks.first, let last = chunks.last else { continue }
            let range = first..<last + 1
            terms.append(.init(xorb: term.xorb, chunks: range, unpackedLength: xorb.unpackedLength(of: range)))
        }
        for hash in Set(terms.map(\.xorb)).sorted() {
            guard let xorb = xorbs(hash) else { return nil }
            let merged = Self.merged(terms.filter { $0.xorb == hash }.map(\.chunks))
            fetches.append(Fetch(xorb: hash, ranges: merged.map { ($0, xorb.bytes(of: $0)) }))
        }
    }

    /// The same numbers in ranges that neither overlap nor touch, in order.
    private static func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var merged: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    private var json: [String: JSON] {
        let terms = terms.map { term -> JSON in
            [
                "hash": .string(term.xorb), "unpacked_length": .integer(Int64(term.unpackedLength)),
                "range": Self.json(term.chunks),
            ]
        }
        return ["offset_into_first_range": .integer(Int64(offset)), "terms": .array(terms)]
    }

    /// One URL for each xorb, for all its ranges at once.
    package func json2(url: (Fetch) -> String) -> JSON {
        var xorbs: [String: JSON] = [:]
        for fetch in fetches {
            let ranges = fetch.ranges.map { range -> JSON in
                ["chunks": Self.json(range.chunks), "bytes": Self.inclusive(range.bytes)]
            }
            xorbs[fetch.xorb] = [["url": .string(url(fetch)), "ranges": .array(ranges)]]
        }
        return .object(json.merging(["xorbs": .object(xorbs)]) { $1 })
    }

    /// The older response: one URL for each range.
    package func json1(url: (Fetch) -> String) -> JSON {
        var info: [String: JSON] = [:]
        for fetch in fetches {
            let entries = fetch.ranges.map { range -> JSON in
                let url = url(Fetch(xorb: fetch.xorb, ranges: [range]))
                return [
                    "range": Self.json(range.chunks), "url": .string(url), "url_range": Self.inclusive(range.bytes),
                ]
            }
            info[fetch.xorb] = .array(entries)
        }
        return .object(json.merging(["fetch_info": .object(info)]) { $1 })
    }

    private static func json(_ range: Range<Int>) -> JSON {
        ["start": .integer(Int64(range.lowerBound)), "end": .integer(Int64(range.upperBound))]
    }

    private static func inclusive(_ range: Range<Int>) -> JSON { json(range.lowerBound..<range.upperBound - 1) }
}
