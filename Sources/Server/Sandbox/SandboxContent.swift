import Hub

/// Bytes with a name and an ETag, and how HTTP gives them: whole, in part, or not again (RFC 9110 sections 13 and 14).
struct SandboxContent {
    let bytes: [UInt8]
    /// Without its quotes.
    let etag: String
    /// The file's, with or without a path.
    let path: String
    var headers: Headers = [:]

    func response(to request: Request) -> Response {
        var fields = headers
        fields.set("ETag", "\"\(etag)\"")
        fields.set("Accept-Ranges", "bytes")
        if isKnown(to: request) { return Response(.notModified, headers: fields) }
        fields.set("Content-Type", type)
        fields.set("Content-Disposition", Self.disposition(of: path))
        guard let text = request.headers["Range"], isWanted(by: request), text.hasPrefix("bytes="), !text.contains(",")
        else { return Response(.ok, headers: fields, body: bytes) }
        guard let range = Self.range(text.dropFirst(6), of: bytes.count) else {
            fields.set("Content-Range", "bytes */\(bytes.count)")
            return Response(.rangeNotSatisfiable, headers: fields)
        }
        fields.set("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(bytes.count)")
        return Response(.partialContent, headers: fields, body: Array(bytes[range]))
    }

    /// If-None-Match: weak comparison.
    private func isKnown(to request: Request) -> Bool {
        request.headers.values(of: "If-None-Match").contains { list in
            list.split(separator: ",").contains { member in
                let tag = member.drop { $0 == " " }
                return tag == "*" || (tag.hasPrefix("W/") ? tag.dropFirst(2) : tag) == "\"\(etag)\""
            }
        }
    }

    /// If-Range: strong comparison; a date never matches.
    private func isWanted(by request: Request) -> Bool {
        request.headers["If-Range"].map { $0 == "\"\(etag)\"" } ?? true
    }

    /// One range of `first-last`, `first-` or `-count`; nil when it has no byte that is there.
    private static func range(_ text: Substring, of count: Int) -> Range<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            guard let last = Int(ends[1]), last > 0, count > 0 else { return nil }
            return max(0, count - last)..<count
        }
        guard let first = Int(ends[0]), first >= 0, first < count else { return nil }
        guard !ends[1].isEmpty else { return first..<count }
        guard let last = Int(ends[1]), last >= first else { return nil }
        return first..<min(last, count - 1) + 1
    }

    private var type: String {
        switch path.split(separator: ".").last {
        case "md", "txt", "json", "jsonl", "csv", "yaml", "yml", "py", "html", "gitattributes":
            "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }

    static func disposition(of path: String) -> String {
        let name = String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
        let plain = String(
            String.UnicodeScalarView(name.unicodeScalars.map { $0.isASCII && $0 != "\"" && $0 != "\\" ? $0 : "_" }))
        return "inline; filename*=UTF-8''\(PercentEncoding.encode(segment: name)); filename=\"\(plain)\";"
    }
}
