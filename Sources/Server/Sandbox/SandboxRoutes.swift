import Hub

extension SandboxRoute {
    /// THE table of what the sandbox's Hub knows: to add a call, add a line. The first line that fits counts.
    /// HEAD goes where GET goes.
    static let all: [SandboxRoute] = [
        SandboxRoute(.get, "/api/whoami-v2", Sandbox.whoAmI),
        SandboxRoute(.get, "/api/users/{user}/likes", Sandbox.likes),
        SandboxRoute(.get, "/api/users/{user}/overview", Sandbox.overview),

        SandboxRoute(.get, "/{web}/{repo}/resolve/{revision}/{path*}", Sandbox.resolve),
        SandboxRoute(.get, "/{web}/{repo}/raw/{revision}/{path*}", Sandbox.raw),
        SandboxRoute(.get, "/api/resolve-cache/{kind}/{repo}/{revision}/{path*}", Sandbox.resolveCache),

        SandboxRoute(.post, "/{web}/{repo}.git/info/lfs/objects/batch", Sandbox.batch),
        SandboxRoute(.post, "/{web}/{repo}.git/info/lfs/objects/verify", Sandbox.verify),
        SandboxRoute(.post, "/api/complete_multipart", Sandbox.completeParts),

        SandboxRoute(.post, "/api/repos/create", Sandbox.createRepo),
        SandboxRoute(.delete, "/api/repos/delete", Sandbox.deleteRepo),
        SandboxRoute(.post, "/api/repos/move", Sandbox.moveRepo),
        SandboxRoute(.put, "/api/{kind}/{repo}/settings", Sandbox.changeSettings),
        SandboxRoute(.post, "/api/{kind}/{repo}/duplicate", Sandbox.duplicate),

        SandboxRoute(.get, "/api/{kind}", Sandbox.listRepos),
        SandboxRoute(.get, "/api/{kind}/{repo}/auth-check", Sandbox.checkAccess),
        SandboxRoute(.get, "/api/{kind}/{repo}/tree/{revision}", Sandbox.tree),
        SandboxRoute(.get, "/api/{kind}/{repo}/tree/{revision}/{path*}", Sandbox.tree),
        SandboxRoute(.post, "/api/{kind}/{repo}/paths-info/{revision}", Sandbox.pathsInfo),
        SandboxRoute(.get, "/api/{kind}/{repo}/refs", Sandbox.references),
        SandboxRoute(.get, "/api/{kind}/{repo}/commits/{revision}", Sandbox.commits),
        SandboxRoute(.get, "/api/{kind}/{repo}/xet-read-token/{revision}", Sandbox.xetReadToken),
        SandboxRoute(.get, "/api/{kind}/{repo}/xet-write-token/{revision}", Sandbox.xetWriteToken),

        SandboxRoute(.post, "/api/{kind}/{repo}/preupload/{revision}", Sandbox.preupload),
        SandboxRoute(.post, "/api/{kind}/{repo}/commit/{revision}", Sandbox.commit),
        SandboxRoute(.post, "/api/{kind}/{repo}/branch/{branch}", Sandbox.createBranch),
        SandboxRoute(.delete, "/api/{kind}/{repo}/branch/{branch}", Sandbox.deleteBranch),
        SandboxRoute(.post, "/api/{kind}/{repo}/tag/{revision}", Sandbox.createTag),
        SandboxRoute(.delete, "/api/{kind}/{repo}/tag/{revision}", Sandbox.deleteTag),
        SandboxRoute(.post, "/api/{kind}/{repo}/super-squash/{revision}", Sandbox.squash),

        SandboxRoute(.get, "/api/{kind}/{repo}/discussions", Sandbox.listDiscussions),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions", Sandbox.createDiscussion),
        SandboxRoute(.get, "/api/{kind}/{repo}/discussions/{number}", Sandbox.discussion),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions/{number}/comment", Sandbox.comment),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions/{number}/title", Sandbox.retitle),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions/{number}/status", Sandbox.changeStatus),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions/{number}/merge", Sandbox.merge),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions/{number}/comment/{comment}/edit", Sandbox.editComment),
        SandboxRoute(.post, "/api/{kind}/{repo}/discussions/{number}/comment/{comment}/hide", Sandbox.hideComment),

        SandboxRoute(.post, "/api/{kind}/{repo}/like", Sandbox.like),
        SandboxRoute(.delete, "/api/{kind}/{repo}/like", Sandbox.like),
        SandboxRoute(.get, "/api/{kind}/{repo}/likers", Sandbox.likers),

        SandboxRoute(.get, "/api/spaces/{repo}/secrets", Sandbox.secrets),
        SandboxRoute(.post, "/api/spaces/{repo}/secrets", Sandbox.setSecret),
        SandboxRoute(.delete, "/api/spaces/{repo}/secrets", Sandbox.deleteSecret),
        SandboxRoute(.get, "/api/spaces/{repo}/variables", Sandbox.variables),
        SandboxRoute(.post, "/api/spaces/{repo}/variables", Sandbox.setVariable),
        SandboxRoute(.delete, "/api/spaces/{repo}/variables", Sandbox.deleteVariable),
        SandboxRoute(.get, "/api/spaces/{repo}/runtime", Sandbox.runtime),
        SandboxRoute(.post, "/api/spaces/{repo}/hardware", Sandbox.setHardware),
        SandboxRoute(.post, "/api/spaces/{repo}/sleeptime", Sandbox.setSleepTime),
        SandboxRoute(.post, "/api/spaces/{repo}/pause", Sandbox.pause),
        SandboxRoute(.post, "/api/spaces/{repo}/restart", Sandbox.restart),

        SandboxRoute(.get, "/api/{kind}/{repo}", Sandbox.repoInfo),
        SandboxRoute(.get, "/api/{kind}/{repo}/revision/{revision}", Sandbox.repoInfo),

        SandboxRoute(.post, "/api/validate-yaml", Sandbox.validateYAML),
        SandboxRoute(.get, "/api/agent-harnesses", Sandbox.agentHarnesses),
        SandboxRoute(.get, "/api/telemetry/{topic*}", Sandbox.telemetry),

        SandboxRoute(.post, "/v1/chat/completions", Sandbox.completeChat),
    ]

    /// The same of its CDN, where the signature in the query has been looked at before.
    static let onCDN: [SandboxRoute] = [
        SandboxRoute(.get, "/repos/{serial}/{oid}", Sandbox.download),
        SandboxRoute(.get, "/repos/{serial}/{oid}/xorb", Sandbox.downloadWrapped),
        SandboxRoute(.get, "/xorbs/default/{hash}", Sandbox.downloadXorb),
        SandboxRoute(.put, "/xorb-uploads/{grant}", Sandbox.uploadXorb),
        SandboxRoute(.put, "/uploads/{serial}/{oid}", Sandbox.putObject),
        SandboxRoute(.put, "/parts/{upload}/{part}", Sandbox.putPart),
    ]

    /// The same of Xet's content-addressed store, where the token has been looked at before.
    static let onCAS: [SandboxRoute] = [
        SandboxRoute(.get, "/v2/reconstructions/{hash}", Sandbox.reconstruction2),
        SandboxRoute(.get, "/v1/reconstructions/{hash}", Sandbox.reconstruction1),
        SandboxRoute(.get, "/v1/chunks/{prefix}/{hash}", Sandbox.findChunk),
        SandboxRoute(.post, "/v1/xorbs/default/{hash}", Sandbox.putXorb),
        SandboxRoute(.post, "/v1/xorb-grants/default/{hash}", Sandbox.grantXorb),
        SandboxRoute(.post, "/v1/xorb-commits/default/{hash}/grant/{grant}", Sandbox.commitXorb),
        SandboxRoute(.post, "/v2/shards", Sandbox.putShard2),
        SandboxRoute(.post, "/v1/shards", Sandbox.putShard1),
        SandboxRoute(.post, "/v1/telemetry", Sandbox.xetTelemetry),
    ]

    /// Throws 404 for a path that is in no line, 405 for one that is there with other methods.
    static func find(
        _ method: Method, _ target: Target, in table: [SandboxRoute]
    ) throws(SandboxRefusal) -> (route: SandboxRoute, captured: [String: String]) {
        let segments = target.segments
        var allowed: [Method] = []
        for route in table {
            guard let captured = route.match(segments) else { continue }
            if route.methods.contains(method) { return (route, captured) }
            allowed += route.methods.filter { !allowed.contains($0) }
        }
        throw allowed.isEmpty ? .noSuchPage : .methodNotAllowed(allow: allowed)
    }
}
