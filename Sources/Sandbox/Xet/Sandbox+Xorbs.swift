package import HTTP
import Hub

/// The CDN's part of Xet: bytes of xorbs, each by a URL that is valid for some of them only.
extension Sandbox {
    /// GET /xorbs/default/{hash}: unchanged.
    package static func downloadXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        guard let xorb = hub.xorbs[call.captured["hash"] ?? ""] else {
            throw .cdn(.notFound, "NoSuchKey", "The specified key does not exist.")
        }
        return try signedRanges(of: xorb.bytes, call)
    }

    /// GET /repos/{serial}/{oid}/xorb: a file that did not come by Xet.
    package static func downloadWrapped(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = hub.repos.repo(withSerial: call.captured["serial"] ?? "")
        guard let content = repo?.history.objects[call.captured["oid"] ?? ""] else {
            throw .cdn(.notFound, "NoSuchKey", "The specified key does not exist.")
        }
        return try signedRanges(of: SandboxXorb(wrapping: content).bytes, call)
    }

    /// The requested ranges, each of which must be one that the URL was signed for. A single one is the content, several are a
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

/// Xorbs that the client uploads to the CDN itself, as hf_xet 1.8.0 does where the CAS lets it (seen; not documented).
extension Sandbox {
    /// The CDN requires this field: S3 checks the content by it.
    private static let checksumField = "x-amz-checksum-crc64nvme"

    /// POST /v1/xorb-grants/default/{hash} `{length, checksum: {algo, value}}`: 200 if the xorb exists; 201 with the
    /// address for its upload; 404 if it is to be posted to the CAS.
    package static func grantXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.grant(.write)
        let hash = try call.xetHash()
        guard hub.grantsXorbs else { throw .noSuchPage }
        guard hub.xorbs[hash] == nil else { return Response(.ok, hub: [:]) }
        let body = try call.body()
        let length = try body.number("length")
        let checksum = try body.object("checksum").string("value")
        guard let value = UInt64(checksum) else { throw .badRequest("\"value\" must be a number of 64 bits") }
        guard length <= SandboxXorb.longest else { throw .badRequest("A xorb has at most 64 MiB of chunks") }
        let name = hub.xorbGrant(of: hash)
        let url = hub.signed("/xorb-uploads/\(name)", "length=\(length)&checksum=\(value)&x-id=PutObject", for: .put)
        return Response(
            .created,
            hub: [
                "id": .string(name), "method": "PUT", "url": .string(url),
                "headers": [checksumField: .string(String(value))],
            ])
    }

    /// PUT /xorb-uploads/{grant}
    package static func uploadXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let content = try contentToStore(call)
        guard call.request.headers[checksumField] == call.query["checksum"],
            call.query["length"].flatMap({ Int($0) }) == content.count
        else { throw .cdn(.badRequest, "BadDigest", "The content is not what was announced") }
        let xorb = try SandboxXorb(content)
        try hub.makeRoom(for: SandboxXorbStore.size(of: xorb))
        hub.xorbs.hold(xorb, as: call.captured["grant"] ?? "", at: hub.now())
        return Response(.ok, headers: ["ETag": "\"\(hub.digest.sha256Hex(content).prefix(32))\""])
    }

    /// POST /v1/xorb-commits/default/{hash}/grant/{grant}
    package static func commitXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.grant(.write)
        let hash = try call.xetHash()
        let name = call.captured["grant"] ?? ""
        guard name == hub.xorbGrant(of: hash), hub.xorbs.release(name, as: hash) else { throw .noSuchXetObject }
        return Response(.ok, hub: ["was_inserted": true])
    }

    /// Names the xorb, and cannot be guessed.
    private func xorbGrant(of hash: String) -> String { sign("xorb \(hash)") }
}

/// All xorbs, of all repositories: so files with common parts take less to upload.
package struct SandboxXorbStore {
    private struct Stored {
        let xorb: SandboxXorb
        /// Seconds since 1970.
        let since: Int64
    }

    private var stored: [String: Stored] = [:]
    /// On the CDN but not in the store yet, by the grants for them.
    private var waiting: [String: Stored] = [:]
    package private(set) var heldBytes = 0

    /// A chunk's place in an array.
    private static let chunkBytes = 40

    package subscript(_ hash: String) -> SandboxXorb? { stored[hash]?.xorb }

    package mutating func store(_ xorb: SandboxXorb, as hash: String, at time: Int64) {
        guard stored[hash] == nil else { return }
        stored[hash] = Stored(xorb: xorb, since: time)
        heldBytes += Self.size(of: xorb)
    }

    /// Keeps a xorb that a client has uploaded to the CDN until the client reports it.
    package mutating func hold(_ xorb: SandboxXorb, as grant: String, at time: Int64) {
        drop(waiting.updateValue(Stored(xorb: xorb, since: time), forKey: grant))
        heldBytes += Self.size(of: xorb)
    }

    /// False if there is none of that name.
    package mutating func release(_ grant: String, as hash: String) -> Bool {
        guard let held = waiting.removeValue(forKey: grant) else { return false }
        drop(stored.updateValue(held, forKey: hash))
        return true
    }

    private mutating func drop(_ old: Stored?) {
        if let old { heldBytes -= Self.size(of: old.xorb) }
    }

    /// Files that were made of them stay: each repository has the whole content of its own.
    package mutating func forget(before time: Int64) {
        for (hash, old) in stored where old.since < time { drop(stored.removeValue(forKey: hash)) }
        for (grant, old) in waiting where old.since < time { drop(waiting.removeValue(forKey: grant)) }
    }

    package static func size(of xorb: SandboxXorb) -> Int { xorb.bytes.count + xorb.chunks.count * chunkBytes }

    /// Throws 400 for a xorb or chunks that do not exist, and for a term whose length is wrong.
    package func content(of file: SandboxXetFile) throws(SandboxRefusal) -> [UInt8] {
        guard file.unpackedLength <= SandboxFile.longest else {
            throw .badRequest("The sandbox takes files of up to 64 MiB")
        }
        var content: [UInt8] = []
        for term in file.terms {
            guard let xorb = self[term.xorb], term.chunks.upperBound <= xorb.chunks.count,
                xorb.unpackedLength(of: term.chunks) == term.unpackedLength
            else { throw .badRequest("The shard names chunks of xorb \(term.xorb) that are not there") }
            for chunk in xorb.chunks[term.chunks] { content += try xorb.unpack(chunk) }
        }
        return content
    }
}
