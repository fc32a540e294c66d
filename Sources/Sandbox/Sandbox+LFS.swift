package import HTTP
import Hub

extension Sandbox {
    private static let mostObjects = 1000

    /// POST /{web}/{id}.git/info/lfs/objects/batch
    package static func batch(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.readable(by: call)
        let body = try call.lfsBody()
        let isUpload = try body.string("operation") == "upload"
        if isUpload, try call.requiredToken().role != .write { throw .forbidden("upload to \(repo.id.text)") }
        let transfers = try body.strings("transfers")
        let mayMultipart = transfers.contains("multipart")
        // Clients before 1.0 ask here whether they may upload by Xet; later ones do not ask at all.
        let isByXet = isUpload && transfers.contains("xet")
        var answers: [JSON] = []
        var inParts = false
        for object in try body.objects("objects", atMost: mostObjects) {
            let (oid, size) = (try object.string("oid"), try object.number("size"))
            var answer: [String: JSON] = ["oid": .string(oid), "size": .integer(Int64(size)), "authenticated": true]
            if let problem = problem(oid, size) {
                answer["error"] = ["code": 422, "message": .string(problem)]
            } else if isByXet {
                // With Xet the client finds out itself what exists already.
            } else if isUpload, repo.history.objects[oid] == nil {
                let multipart = mayMultipart && size > SandboxUploads.partBytes
                inParts = inParts || multipart
                answer["actions"] = [
                    "upload": multipart ? hub.beginParts(oid, size, repo) : hub.wholeUpload(oid, size, repo),
                    "verify": ["href": .string("\(repo.url(at: hub.origin)).git/info/lfs/objects/verify")],
                ]
            } else if !isUpload {
                answer.merge(hub.downloadAction(oid, repo)) { $1 }
            }
            answers.append(.object(answer))
        }
        return lfsAnswer(
            [
                "transfer": isByXet ? "xet" : inParts ? "multipart" : "basic", "objects": .array(answers),
                "hash_algo": "sha256",
            ])
    }

    private static func problem(_ oid: String, _ size: Int) -> String? {
        guard oid.utf8.count == 64, oid.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else { return "Invalid oid" }
        return size <= SandboxFile.longest ? nil : "The sandbox takes files of up to 64 MiB"
    }

    private static func lfsAnswer(_ json: JSON) -> Response {
        var response = Response(.ok, hub: json)
        response.headers.set("Content-Type", SandboxCall.lfsType)
        return response
    }

    private func wholeUpload(_ oid: String, _ size: Int, _ repo: SandboxRepo) -> JSON {
        ["href": .string(signed("/uploads/\(repo.serial)/\(oid)", "size=\(size)&x-id=PutObject", for: .put))]
    }

    /// The name of an upload means nothing and cannot be guessed: completing it takes no token.
    private mutating func beginParts(_ oid: String, _ size: Int, _ repo: SandboxRepo) -> JSON {
        let name = sign("upload \(repo.serial) \(oid) \(uploads.count)")
        let upload = SandboxUploads.Upload(serial: repo.serial, oid: oid, size: size, begun: now())
        uploads.begin(name, upload, life: Self.signatureLife)
        var header: [String: JSON] = ["chunk_size": .string("\(SandboxUploads.partBytes)")]
        for part in 1...upload.partCount {
            let key = String(repeating: "0", count: 5 - String(part).count) + String(part)
            header[key] = .string(signed("/parts/\(name)/\(part)", "partNumber=\(part)&x-id=UploadPart", for: .put))
        }
        return ["href": .string("\(origin)/api/complete_multipart?uploadId=\(name)"), "header": .object(header)]
    }

    private func downloadAction(_ oid: String, _ repo: SandboxRepo) -> [String: JSON] {
        guard repo.history.objects[oid] != nil else {
            return ["error": ["code": 404, "message": "Object does not exist"]]
        }
        return ["actions": ["download": ["href": .string(downloadURL(of: oid, in: repo, named: oid))]]]
    }

    /// POST /api/complete_multipart?uploadId=: comes without a token.
    package static func completeParts(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let name = call.query["uploadId"] ?? ""
        let body = try call.lfsBody()
        guard let upload = hub.uploads[name], try body.string("oid") == upload.oid,
            var repo = hub.repos.repo(withSerial: upload.serial)
        else { throw .badRequest("No such upload") }
        let parts = try body.objects("parts", atMost: 10_000)
        guard parts.count == upload.partCount, upload.parts.count == parts.count else {
            throw .badRequest("Some parts are missing")
        }
        for part in parts {
            let etag = try part.string("etag").filter { $0 != "\"" }
            guard try upload.parts[part.number("partNumber")]?.etag == etag else {
                throw .badRequest("A part has another ETag")
            }
        }
        let content = upload.content
        try hub.check(content, is: upload.oid, ofSize: upload.size)
        hub.uploads.end(name)
        repo.history.store(content, as: upload.oid)
        hub.repos.update(repo)
        return lfsAnswer(["success": true])
    }

    /// POST /{web}/{id}.git/info/lfs/objects/verify `{oid, size}`
    package static func verify(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.requiredToken()
        let repo = try hub.readable(by: call)
        let body = try call.lfsBody()
        guard let object = try repo.history.objects[body.string("oid")], try object.count == body.number("size") else {
            throw SandboxRefusal(status: .notFound, message: "Object does not exist")
        }
        return lfsAnswer(["success": true])
    }
}

/// LFS objects that are being uploaded in parts.
package struct SandboxUploads {
    package struct Upload: Sendable {
        package let serial: String
        package let oid: String
        package let size: Int
        package let begun: Int64
        package var parts: [Int: (content: [UInt8], etag: String)] = [:]

        package var partCount: Int { (size + SandboxUploads.partBytes - 1) / SandboxUploads.partBytes }
        package var content: [UInt8] { parts.sorted { $0.key < $1.key }.flatMap(\.value.content) }
    }

    /// Larger objects come in parts, each of this size but the last.
    package static let partBytes = 5 << 20
    package static let most = 100

    package private(set) var heldBytes = 0
    /// How many there have been: two of the same object count as two.
    package private(set) var count = 0
    private var begun: [String: Upload] = [:]

    package subscript(_ name: String) -> Upload? { begun[name] }

    /// Forgets uploads whose URLs have expired, and if there is still no room the oldest.
    package mutating func begin(_ name: String, _ upload: Upload, life: Int64) {
        for (old, other) in begun where upload.begun - other.begun > life { end(old) }
        if begun[name] == nil, begun.count >= Self.most, let oldest = begun.min(by: { $0.value.begun < $1.value.begun })
        {
            end(oldest.key)
        }
        end(name)
        count += 1
        begun[name] = upload
    }

    /// Keeps a part, in the place of one that came before. False if there is no such upload or part.
    package mutating func put(_ content: [UInt8], etag: String, as number: Int, of name: String) -> Bool {
        guard let upload = begun[name], (1...max(1, upload.partCount)).contains(number), content.count <= Self.partBytes
        else {
            return false
        }
        heldBytes += content.count - (upload.parts[number]?.content.count ?? 0)
        begun[name]?.parts[number] = (content, etag)
        return true
    }

    package mutating func end(_ name: String) {
        heldBytes -= begun.removeValue(forKey: name)?.parts.values.reduce(0) { $0 + $1.content.count } ?? 0
    }
}
