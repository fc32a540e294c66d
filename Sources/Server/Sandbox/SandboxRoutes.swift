import Hub

extension SandboxRoute {
    /// THE table of what the sandbox knows: to add a call, add a line. The first line that fits counts.
    /// HEAD goes where GET goes.
    static let all: [SandboxRoute] = [
        SandboxRoute(.get, "/api/whoami-v2", Sandbox.whoAmI),

        SandboxRoute(.post, "/api/repos/create", Sandbox.createRepo),
        SandboxRoute(.delete, "/api/repos/delete", Sandbox.deleteRepo),
        SandboxRoute(.post, "/api/repos/move", Sandbox.moveRepo),

        SandboxRoute(.put, "/api/{kind}/{owner}/{name}/settings", Sandbox.changeSettings),
        SandboxRoute(.put, "/api/{kind}/{name}/settings", Sandbox.changeSettings),

        SandboxRoute(.get, "/api/{kind}", Sandbox.listRepos),
        SandboxRoute(.get, "/api/{kind}/{name}", Sandbox.repoInfo),
        SandboxRoute(.get, "/api/{kind}/{owner}/{name}", Sandbox.repoInfo),
        SandboxRoute(.get, "/api/{kind}/{name}/revision/{revision}", Sandbox.repoInfo),
        SandboxRoute(.get, "/api/{kind}/{owner}/{name}/revision/{revision}", Sandbox.repoInfo),
    ]

    /// Throws 404 for a path that is in no line, 405 for one that is there with other methods.
    static func find(
        _ method: Method, _ target: Target
    ) throws(SandboxRefusal) -> (route: SandboxRoute, captured: [String: String]) {
        let segments = target.segments
        var allowed: [Method] = []
        for route in all {
            guard let captured = route.match(segments) else { continue }
            if route.methods.contains(method) { return (route, captured) }
            allowed += route.methods.filter { !allowed.contains($0) }
        }
        throw allowed.isEmpty ? .noSuchPage : .methodNotAllowed(allow: allowed)
    }
}
