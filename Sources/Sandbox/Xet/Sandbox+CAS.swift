package import HTTP
import Hub

/// Xet's content-addressed store (huggingface.co/docs/xet/api). It accepts its own tokens only.
extension Sandbox {
    /// GET /v2/reconstructions/{hash}
    package static func reconstruction2(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, file, plan) = try hub.reconstruction(call)
        return Response(.ok, hub: plan.json2 { hub.url(of: $0, for: file, in: repo) })
    }

    /// GET /v1/reconstructions/{hash}
    package static func reconstruction1(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, file, plan) = try hub.reconstruction(call)
        return Response(.ok, hub: plan.json1 { hub.url(of: $0, for: file, in: repo) })
    }

    private func reconstruction(
        _ call: SandboxCall
    ) throws(SandboxRefusal) -> (SandboxRepo, SandboxXetFile, SandboxReconstruction) {
        let hash = try call.xetHash()
        let grant = try call.grant(.read)
        guard let repo = repos.repo(withSerial: grant.serial), let file = repo.history.xetFiles[hash],
            let content = repo.history.objects[file.sha256]
        else { throw .noSuchXetObject }
        let wanted = try call.range(of: content.count)
        if !file.terms.isEmpty, let plan = SandboxReconstruction(of: file, wanted, xorbs: { xorbs[$0] }) {
            return (repo, file, plan)
        }
        let wrapped = SandboxXorb(wrapping: content)
        let term = SandboxXetFile.Term(
            xorb: SandboxXetFile.xorbHash(of: file.sha256), chunks: 0..<wrapped.chunks.count,
            unpackedLength: content.count)
        let whole = SandboxXetFile(hash: hash, sha256: file.sha256, terms: [term])
        guard let plan = SandboxReconstruction(of: whole, wanted, xorbs: { _ in wrapped }) else {
            throw .noSuchXetObject
        }
        return (repo, whole, plan)
    }

    /// Valid for these ranges only.
    private func url(of fetch: SandboxReconstruction.Fetch, for file: SandboxXetFile, in repo: SandboxRepo) -> String {
        let isWrapped = fetch.xorb == SandboxXetFile.xorbHash(of: file.sha256)
        let path = isWrapped ? "/repos/\(repo.serial)/\(file.sha256)/xorb" : "/xorbs/default/\(fetch.xorb)"
        return signed(path, "\(Self.signedRange)=\(PercentEncoding.encode(segment: fetch.field))", for: .get)
    }

    package static let signedRange = "X-Xet-Signed-Range"

    /// GET /v1/chunks/{prefix}/{hash}: no file of one repository helps to upload one to another here, so that it
    /// does not matter which a test uploads first.
    package static func findChunk(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.grant(.read)
        _ = try call.xetHash()
        throw .noSuchXetObject
    }

    /// POST /v1/xorbs/default/{hash}. The hash is not checked against the chunks, which would take BLAKE3.
    package static func putXorb(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.grant(.write)
        let hash = try call.xetHash()
        let xorb = try SandboxXorb(call.request.body)
        let isNew = hub.xorbs[hash] == nil
        if isNew {
            try hub.makeRoom(for: SandboxXorbStore.size(of: xorb))
            hub.xorbs.store(xorb, as: hash, at: hub.now())
        }
        return Response(.ok, hub: ["was_inserted": .bool(isNew)])
    }

    /// POST /v1/shards
    package static func putShard1(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.register(call)
        return Response(.ok, hub: ["result": 1])
    }

    /// POST /v2/shards: reports its progress.
    package static func putShard2(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let count = try hub.register(call)
        let lines = [
            "{\"type\":\"validating\",\"verified\":\(count),\"total\":\(count)}",
            "{\"type\":\"committing\",\"stage\":\"uploading\"}", "{\"type\":\"committing\",\"stage\":\"syncing\"}",
            "{\"type\":\"result\",\"result\":1}",
        ]
        return Response(
            .ok, headers: ["Content-Type": "application/x-ndjson", "Cache-Control": "no-cache"],
            body: Array(lines.map { "\($0)\n" }.joined().utf8))
    }

    /// Adds the files of the shard to the token's repository, where a commit finds them by their SHA-256.
    @discardableResult
    private mutating func register(_ call: SandboxCall) throws(SandboxRefusal) -> Int {
        let grant = try call.grant(.write)
        let shard = try SandboxShard(call.request.body)
        for listed in shard.xorbs {
            guard let xorb = xorbs[listed.hash], xorb.chunks.count == listed.chunkCount,
                xorb.unpackedLength(of: 0..<xorb.chunks.count) == listed.unpackedLength
            else { throw .badRequest("The shard lists a xorb that is not there: \(listed.hash)") }
        }
        // Before anything is unpacked: many small entries may name the same large chunks.
        guard shard.files.reduce(0, { $0 + $1.unpackedLength }) <= Self.mostBytes else { throw .full("memory") }
        for file in shard.files {
            guard var repo = repos.repo(withSerial: grant.serial) else { throw .repoNotFound }
            let content = try xorbs.content(of: file)
            guard digest.sha256Hex(content) == file.sha256 else {
                throw .badRequest("The SHA-256 of a file in the shard is not that of its chunks")
            }
            try makeRoom(for: content.count)
            repo.history.store(content, as: file)
            repos.update(repo)
        }
        return shard.files.count
    }

    /// POST /v1/telemetry: the client's counts are dropped.
    package static func xetTelemetry(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.grant(.read)
        return Response(.noContent)
    }
}
