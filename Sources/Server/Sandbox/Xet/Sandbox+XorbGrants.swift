import Hub

/// Xorbs that the client puts on the CDN itself, as hf_xet 1.8.0 does it where the CAS lets it (seen; not documented).
extension Sandbox {
    /// What the CDN wants to see again: S3 checks the content by it.
    private static let checksumField = "x-amz-checksum-crc64nvme"

    /// POST /v1/xorb-grants/default/{hash} `{length, checksum: {algo, value}}`: 200 if the xorb is there; 201 with where
    /// to put it; 404 if it is to be posted to the CAS.
    static func grantXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
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
    static func uploadXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
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
    static func commitXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.grant(.write)
        let hash = try call.xetHash()
        let name = call.captured["grant"] ?? ""
        guard name == hub.xorbGrant(of: hash), hub.xorbs.release(name, as: hash) else { throw .noSuchXetThing }
        return Response(.ok, hub: ["was_inserted": true])
    }

    /// Names the xorb, and cannot be guessed.
    private func xorbGrant(of hash: String) -> String { seal("xorb \(hash)") }
}
