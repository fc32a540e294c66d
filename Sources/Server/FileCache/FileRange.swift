import HTTP

/// The bytes of a file that a request is for (RFC 9110 section 14).
enum FileRange: Equatable {
    case whole
    case part(Range<Int>)
    /// None of them is there.
    case unsatisfiable
    /// Several parts at once: stores answer that, and this cache does not.
    case several

    /// `etag`: the file's entity tag as clients see it; `size` in bytes, above 0.
    init(of request: Request, etag: String?, size: Int) {
        guard request.method == .get, let text = request.headers["Range"] else {
            self = .whole
            return
        }
        // A date matches no file here, since none was ever sent (section 13.1.5).
        if let condition = request.headers["If-Range"], condition != etag || condition.hasPrefix("W/") {
            self = .whole
            return
        }
        self = Self.read(text, size: size)
    }

    /// A field that cannot be read is ignored (section 14.2).
    private static func read(_ text: String, size: Int) -> FileRange {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return .whole }
        let range = parts[1].filter { $0 != " " && $0 != "\t" }
        if range.contains(",") { return .several }
        let ends = range.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, let last = number(ends[1]), let first = number(ends[0]) else { return .whole }
        switch (first, last) {
        case (nil, nil): return .whole
        case (nil, let count?): return count == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
        case (let first?, let last):
            if let last, last < first { return .whole }
            guard first < size else { return .unsatisfiable }
            return .part(first..<min(size, (last ?? size - 1) + 1))
        }
    }

    /// Nil in nil: no number. A number larger than any file counts as the largest.
    private static func number(_ digits: some StringProtocol) -> Int?? {
        if digits.isEmpty { return .some(nil) }
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return .some(digits.utf8.count > 18 ? Int.max - 1 : Int(digits) ?? Int.max - 1)
    }
}
