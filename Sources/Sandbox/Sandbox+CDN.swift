package import HTTP
import Hub

extension Sandbox {
    /// GET /repos/{serial}/{oid}
    package static func download(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let oid = call.captured["oid"] ?? ""
        guard let content = hub.repos.repo(withSerial: call.captured["serial"] ?? "")?.history.objects[oid] else {
            throw .cdn(.notFound, "NoSuchKey", "The specified key does not exist.")
        }
        // Not the Hub's ETag: a CDN that was filled in parts has one of its own.
        var response = SandboxContent(bytes: content, etag: "\(oid.prefix(32))-1", path: "object")
            .response(to: call.request)
        if let disposition = call.query["response-content-disposition"], response.headers.contains("Content-Type") {
            response.headers.set("Content-Disposition", disposition)
        }
        return hub.cut(response, of: oid, to: call.request)
    }

    /// PUT /uploads/{serial}/{oid}: the whole of an LFS object.
    package static func putObject(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let content = try contentToStore(call)
        guard var repo = hub.repos.repo(withSerial: call.captured["serial"] ?? "") else {
            throw .cdn(.notFound, "NoSuchBucket", "The specified bucket does not exist")
        }
        let oid = call.captured["oid"] ?? ""
        try hub.check(content, is: oid, ofSize: call.query["size"].flatMap { Int($0) })
        try hub.makeRoom(for: content.count)
        repo.history.store(content, as: oid)
        hub.repos.update(repo)
        return Response(.ok, headers: ["ETag": "\"\(oid.prefix(32))\""])
    }

    /// PUT /parts/{upload}/{part}
    package static func putPart(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let content = try contentToStore(call)
        try hub.makeRoom(for: content.count)
        let etag = String(hub.digest.sha256Hex(content).prefix(32))
        let number = call.captured["part"].flatMap { Int($0) } ?? 0
        guard hub.uploads.put(content, etag: etag, as: number, of: call.captured["upload"] ?? "") else {
            throw .cdn(.notFound, "NoSuchUpload", "The specified upload does not exist.")
        }
        return Response(.ok, headers: ["ETag": "\"\(etag)\""])
    }

    /// Throws 400 for content that does not match its announced hash and size.
    package func check(_ content: [UInt8], is oid: String, ofSize size: Int?) throws(SandboxRefusal) {
        guard content.count == size, digest.sha256Hex(content) == oid else {
            throw .cdn(.badRequest, "XAmzContentSHA256Mismatch", "The content is not what its name says")
        }
    }

    /// S3 requires a length, and accepts no chunks.
    package static func contentToStore(_ call: SandboxCall) throws(SandboxRefusal) -> [UInt8] {
        let headers = call.request.headers
        guard !headers.contains("Transfer-Encoding") else {
            throw .cdn(
                .notImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented"
            )
        }
        guard headers.contains("Content-Length") else {
            throw .cdn(.lengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        }
        guard call.request.body.count <= SandboxFile.longest else {
            throw .cdn(.badRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        }
        return call.request.body
    }
}

/// Pre-signed URLs of the CDN: a client that has one may use it for its purpose, until it expires, and for nothing else
/// (as in Amazon's signature version 4; the format is our own).
extension Sandbox {
    /// How long a URL is good, in seconds.
    package static let signatureLife: Int64 = 3600

    private static let signatureMark = "&X-Amz-Signature="

    /// The URL of an LFS object. Its query has parts that a careless gateway breaks: escapes that are not needed, and a plus.
    package func downloadURL(of sha256: String, in repo: SandboxRepo, named path: String) -> String {
        let disposition = PercentEncoding.encode(segment: SandboxContent.disposition(of: path))
        return signed(
            "/repos/\(repo.serial)/\(sha256)", "response-content-disposition=\(disposition)&x-id=Get+Object%2F",
            for: .get)
    }

    /// `path` on the CDN, to be asked with `method`.
    package func signed(_ path: String, _ query: String, for method: Method) -> String {
        let target = "\(path)?\(query)&Expires=\(now() + Self.signatureLife)&X-Amz-SignedHeaders=host"
        return cdn + target + Self.signatureMark + signature(of: target, for: method, host: cdnHost)
    }

    /// Throws 400 where the request has an Authorization field: a pre-signed URL has its authorization in the query, and S3
    /// does not accept both. Throws 403 for a query that is not exactly the one that was signed, another method or Host, and one that
    /// has expired.
    package func checkSignature(_ request: Request) throws(SandboxRefusal) {
        guard !request.headers.contains("Authorization") else {
            throw .cdn(.badRequest, "InvalidArgument", "Only one auth mechanism allowed")
        }
        let parts = request.target.pathAndQuery.split(separator: "&X-Amz-Signature=", maxSplits: 1)
        let method = request.method == .head ? .get : request.method
        guard parts.count == 2,
            signature(of: String(parts[0]), for: method, host: request.headers["Host"] ?? "") == parts[1]
        else {
            throw .cdn(.forbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match")
        }
        let expires = SandboxQuery(request.target.query ?? "")["Expires"].flatMap { Int64($0) } ?? 0
        guard now() <= expires else { throw .cdn(.forbidden, "AccessDenied", "Request has expired") }
    }

    /// Signs a text of ours that comes back, such as the name of an upload.
    package func sign(_ text: String) -> String {
        String(digest.sha256Hex(Array("\(secret)\n\(text)\n\(secret)".utf8)).prefix(32))
    }

    private func signature(of target: String, for method: Method, host: String) -> String {
        sign("\(method.rawValue)\n\(host)\n\(target)")
    }

    private var cdnHost: String { String(cdn.drop { $0 != "/" }.dropFirst(2)) }

    /// Not secret: it protects nothing but a sandbox.
    private var secret: String { "\(origin) \(cdn) sandbox" }
}

extension SandboxRefusal {
    /// A refusal in S3's form.
    package static func cdn(_ status: Status, _ code: String, _ message: String) -> Self {
        Self(status: status, message: message, code: code, isXML: true)
    }
}

/// Bytes with a name and an ETag, and their HTTP responses: whole, in part, or 304 (RFC 9110 sections 13 and 14).
package struct SandboxContent {
    package let bytes: [UInt8]
    /// Without its quotes.
    package let etag: String
    /// The file's, with or without a path.
    package let path: String
    package var headers: Headers = [:]

    package func response(to request: Request) -> Response {
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

    /// One range of `first-last`, `first-` or `-count`; nil when none of its bytes exists.
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

    package static func disposition(of path: String) -> String {
        let name = String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
        let plain = String(
            String.UnicodeScalarView(name.unicodeScalars.map { $0.isASCII && $0 != "\"" && $0 != "\\" ? $0 : "_" }))
        return "inline; filename*=UTF-8''\(PercentEncoding.encode(segment: name)); filename=\"\(plain)\";"
    }
}
