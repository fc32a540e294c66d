import Hub

/// Pre-signed URLs of the CDN: whoever has one may do what it says, there and until then, and nothing else
/// (as Amazon's signature version 4 does it; the letters are our own).
extension Sandbox {
    /// How long a URL is good, in seconds.
    static let signatureLife: Int64 = 3600

    private static let signatureMark = "&X-Amz-Signature="

    /// The URL of an LFS object. Its query has what a careless gateway breaks: escapes that need not be, and a plus.
    func downloadURL(of sha256: String, in repo: SandboxRepo, named path: String) -> String {
        let disposition = PercentEncoding.encode(segment: SandboxContent.disposition(of: path))
        return signed(
            "/repos/\(repo.serial)/\(sha256)", "response-content-disposition=\(disposition)&x-id=Get+Object%2F",
            for: .get)
    }

    /// `path` on the CDN, to be asked with `method`.
    func signed(_ path: String, _ query: String, for method: Method) -> String {
        let target = "\(path)?\(query)&Expires=\(now() + Self.signatureLife)&X-Amz-SignedHeaders=host"
        return cdn + target + Self.signatureMark + signature(of: target, for: method, host: cdnHost)
    }

    /// Throws 400 where anything came in Authorization: a pre-signed URL has its authorization in the query, and S3
    /// takes no two. Throws 403 for a query that is not to the byte what was signed, another method or Host, and one that
    /// is too old.
    func checkSignature(_ request: Request) throws(SandboxRefusal) {
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

    /// For a word of ours that comes back, such as the name of an upload.
    func seal(_ text: String) -> String {
        String(digest.sha256Hex(Array("\(secret)\n\(text)\n\(secret)".utf8)).prefix(32))
    }

    private func signature(of target: String, for method: Method, host: String) -> String {
        seal("\(method.rawValue)\n\(host)\n\(target)")
    }

    private var cdnHost: String { String(cdn.drop { $0 != "/" }.dropFirst(2)) }

    /// No secret from anybody who reads this; nothing is behind it but a sandbox.
    private var secret: String { "\(origin) \(cdn) sandbox" }
}

extension SandboxRefusal {
    /// As S3 refuses.
    static func cdn(_ status: Status, _ code: String, _ message: String) -> Self {
        Self(status: status, message: message, code: code, isXML: true)
    }
}
