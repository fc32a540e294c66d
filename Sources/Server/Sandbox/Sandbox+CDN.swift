import Hub

extension Sandbox {
    /// GET /repos/{serial}/{oid}
    static func download(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let oid = call.captured["oid"] ?? ""
        guard let content = hub.shelf.repo(withSerial: call.captured["serial"] ?? "")?.history.objects[oid] else {
            throw .cdn(.notFound, "NoSuchKey", "The specified key does not exist.")
        }
        // Not the ETag of the Hub: a CDN that was filled in parts has one of its own.
        var response = SandboxContent(bytes: content, etag: "\(oid.prefix(32))-1", path: "object")
            .response(to: call.request)
        if let disposition = call.query["response-content-disposition"], response.headers.contains("Content-Type") {
            response.headers.set("Content-Disposition", disposition)
        }
        return hub.cut(response, of: oid, to: call.request)
    }

    /// PUT /uploads/{serial}/{oid}: the whole of an LFS object.
    static func putObject(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let content = try contentToStore(call)
        guard var repo = hub.shelf.repo(withSerial: call.captured["serial"] ?? "") else {
            throw .cdn(.notFound, "NoSuchBucket", "The specified bucket does not exist")
        }
        let oid = call.captured["oid"] ?? ""
        try hub.check(content, is: oid, ofSize: call.query["size"].flatMap { Int($0) })
        try hub.makeRoom(for: content.count)
        repo.history.store(content, as: oid)
        hub.shelf.update(repo)
        return Response(.ok, headers: ["ETag": "\"\(oid.prefix(32))\""])
    }

    /// PUT /parts/{upload}/{part}
    static func putPart(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let content = try contentToStore(call)
        try hub.makeRoom(for: content.count)
        let etag = String(hub.digest.sha256Hex(content).prefix(32))
        let number = call.captured["part"].flatMap { Int($0) } ?? 0
        guard hub.uploads.put(content, etag: etag, as: number, of: call.captured["upload"] ?? "") else {
            throw .cdn(.notFound, "NoSuchUpload", "The specified upload does not exist.")
        }
        return Response(.ok, headers: ["ETag": "\"\(etag)\""])
    }

    /// Throws 400 for content that does not have the name it was announced by.
    func check(_ content: [UInt8], is oid: String, ofSize size: Int?) throws(SandboxRefusal) {
        guard content.count == size, digest.sha256Hex(content) == oid else {
            throw .cdn(.badRequest, "XAmzContentSHA256Mismatch", "The content is not what its name says")
        }
    }

    /// S3 wants a length, and takes no chunks.
    static func contentToStore(_ call: SandboxCall) throws(SandboxRefusal) -> [UInt8] {
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
