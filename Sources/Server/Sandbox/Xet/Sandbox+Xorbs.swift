import Hub

/// The CDN's part of Xet: bytes of xorbs, each by a URL that is good for some of them only.
extension Sandbox {
    /// GET /xorbs/default/{hash}: as it was uploaded.
    static func downloadXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        guard let xorb = hub.xorbs[call.captured["hash"] ?? ""] else {
            throw .cdn(.notFound, "NoSuchKey", "The specified key does not exist.")
        }
        return try signedRanges(of: xorb.bytes, call)
    }

    /// GET /repos/{serial}/{oid}/xorb: a file that came in another way.
    static func downloadWrapped(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = hub.shelf.repo(withSerial: call.captured["serial"] ?? "")
        guard let content = repo?.history.objects[call.captured["oid"] ?? ""] else {
            throw .cdn(.notFound, "NoSuchKey", "The specified key does not exist.")
        }
        return try signedRanges(of: SandboxXorb(wrapping: content).bytes, call)
    }

    /// Those that are wanted, each of which must be one that the URL was signed for. One comes by itself, several as a
    /// multipart (RFC 9110 section 14.6).
    private static func signedRanges(of bytes: [UInt8], _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let signed = ranges(of: call.query[signedRange] ?? "")
        let wanted = ranges(of: call.request.headers["Range"] ?? "")
        guard !wanted.isEmpty, wanted.allSatisfy(signed.contains) else {
            throw .cdn(.forbidden, "AccessDenied", "The URL was signed for other ranges")
        }
        let ranges = wanted.compactMap { range(of: $0, in: bytes.count) }
        guard let first = ranges.first else {
            throw .cdn(.rangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
        }
        var headers: Headers = ["Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"]
        if ranges.count == 1 {
            headers.set("Content-Range", contentRange(first, of: bytes.count))
            return Response(.partialContent, headers: headers, body: Array(bytes[first]))
        }
        headers.set("Content-Type", "multipart/byteranges; boundary=\(boundary)")
        var body: [UInt8] = []
        for range in ranges {
            body += Array(
                ("--\(boundary)\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Range: \(contentRange(range, of: bytes.count))\r\n\r\n").utf8)
            body += bytes[range]
            body += Array("\r\n".utf8)
        }
        body += Array("--\(boundary)--\r\n".utf8)
        return Response(.partialContent, headers: headers, body: body)
    }

    private static func ranges(of field: String) -> [Substring] {
        field.hasPrefix("bytes=") ? field.dropFirst("bytes=".count).split(separator: ",") : []
    }

    private static let boundary = "sandbox-xorb-part"

    private static func contentRange(_ range: Range<Int>, of count: Int) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(count)"
    }

    private static func range(of text: Substring, in count: Int) -> Range<Int>? {
        let ends = text.split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2, ends[0] >= 0, ends[0] <= ends[1], ends[1] < count else { return nil }
        return ends[0]..<ends[1] + 1
    }
}
