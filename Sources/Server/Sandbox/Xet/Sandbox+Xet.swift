import Hub

/// What the Hub says of Xet: where it is, and who may go there (huggingface.co/docs/xet/auth).
extension Sandbox {
    /// GET /api/{kind}/{id}/xet-read-token/{revision}
    static func xetReadToken(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, _) = try hub.commit(of: call)
        return hub.xetToken(.read, for: repo)
    }

    /// GET /api/{kind}/{id}/xet-write-token/{revision}[?create_pr=1]
    static func xetWriteToken(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.committable(by: call)
        guard repo.history.commit(at: call.revision) != nil else { throw .revisionNotFound(call.revision) }
        return hub.xetToken(.write, for: repo)
    }

    /// What `token` allows; nil if it is not of our making, or too old.
    func xetGrant(_ token: Substring) -> SandboxXetGrant? {
        SandboxXetGrant(token, sealedBy: seal).flatMap { $0.expires >= now() ? $0 : nil }
    }

    /// The same in fields, which Python reads, and in the body, which Xet's own client reads.
    private func xetToken(_ scope: SandboxXetGrant.Scope, for repo: SandboxRepo) -> Response {
        let expires = now() + Self.signatureLife
        let token = SandboxXetGrant(scope: scope, serial: repo.serial, expires: expires).token(sealedBy: seal)
        var response = Response(
            .ok, hub: ["casUrl": .string(cas), "accessToken": .string(token), "exp": .integer(expires)])
        response.headers.set("X-Xet-Cas-Url", cas)
        response.headers.set("X-Xet-Access-Token", token)
        response.headers.set("X-Xet-Token-Expiration", String(expires))
        return response
    }

    /// For the answer of `resolve`: how to have `file` by Xet.
    func setXetFields(of file: SandboxFile, in repo: SandboxRepo, at commit: SandboxCommit, _ fields: inout Headers) {
        guard let hash = file.xetHash else { return }
        let tokens = "\(origin)/api/\(repo.kind.apiPath)/\(repo.id.path)/xet-read-token/\(commit.id)"
        fields.set("X-Xet-Hash", hash)
        fields.set(
            "Link",
            "<\(tokens)>; rel=\"xet-auth\", <\(cas)/v1/reconstructions/\(hash)>; rel=\"xet-reconstruction-info\"")
    }
}
