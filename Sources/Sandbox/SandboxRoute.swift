package import HTTP
package import Hub

/// One line of the sandbox's table: a method, a path, and its handler.
package struct SandboxRoute: Sendable {
    package typealias Handler = @Sendable (inout Sandbox, SandboxCall) throws(SandboxRefusal) -> Response

    package let method: Method
    package let handler: Handler
    /// One for each spelling of the path.
    private let shapes: [[Part]]

    private enum Part: Sendable {
        case literal(String)
        case captured(String)
        /// A name with `.git` after it.
        case gitName
        /// All segments that are left, at least one, joined by slashes.
        case rest(String)
    }

    /// `pattern` is a path in which `{revision}` matches any segment and keeps it as `revision`. These have a special meaning:
    /// - `{kind}`: one of `models`, `datasets`, `spaces`
    /// - `{web}`: the kind in web addresses: `datasets`, `spaces`, or nothing at all for a model
    /// - `{repo}`: `{owner}/{name}`, or `{name}` alone; `{repo}.git` the same with `.git` after it
    /// - `{path*}`: the rest of the path
    package init(_ method: Method, _ pattern: String, _ handler: @escaping Handler) {
        self.method = method
        self.handler = handler
        shapes = Self.variants(pattern).map {
            $0.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(Self.part)
        }
    }

    private static func variants(_ pattern: String) -> [String] {
        var found = [pattern]
        for (name, spellings) in [
            ("{web}/", ["datasets/", "spaces/", ""]), ("{repo}.git", ["{owner}/{git}", "{git}"]),
            ("{repo}", ["{owner}/{name}", "{name}"]),
        ] {
            found = found.flatMap { pattern -> [String] in
                guard let range = pattern.firstRange(of: name) else { return [pattern] }
                return spellings.map { pattern[..<range.lowerBound] + $0 + pattern[range.upperBound...] }
            }
        }
        return found
    }

    private static func part(_ text: Substring) -> Part {
        guard text.hasPrefix("{") else { return .literal(String(text)) }
        let name = text.dropFirst().dropLast()
        if name == "git" { return .gitName }
        return name.hasSuffix("*") ? .rest(String(name.dropLast())) : .captured(String(name))
    }

    package var methods: [Method] { method == .get ? [.get, .head] : [method] }

    /// The values of the pattern's names in a path with these decoded segments; nil if the path does not match.
    package func match(_ segments: [String]) -> [String: String]? {
        for shape in shapes {
            if let captured = Self.match(shape, segments) { return captured }
        }
        return nil
    }

    private static func match(_ shape: [Part], _ segments: [String]) -> [String: String]? {
        if case .rest? = shape.last {
            guard segments.count >= shape.count else { return nil }
        } else {
            guard segments.count == shape.count else { return nil }
        }
        var captured: [String: String] = [:]
        for (index, part) in shape.enumerated() {
            let segment = segments[index]
            switch part {
            case .literal(let text):
                guard text == segment else { return nil }
                if RepoKind(apiPath: text) != nil { captured["kind"] = text }
            case .gitName:
                guard segment.hasSuffix(".git") else { return nil }
                captured["name"] = String(segment.dropLast(4))
            case .captured("kind"):
                guard RepoKind(apiPath: segment) != nil else { return nil }
                captured["kind"] = segment
            case .captured(let name): captured[name] = segment
            case .rest(let name): captured[name] = segments[index...].joined(separator: "/")
            }
        }
        return captured
    }
}

extension RepoKind {
    /// Literally, unlike `init(facade:)`: the Hub has no `/api/Models`.
    package init?(apiPath text: String) {
        guard let kind = Self.allCases.first(where: { $0.apiPath == text }) else { return nil }
        self = kind
    }
}

extension SandboxRoute {
    /// THE table of the calls of the sandbox's Hub: to add a call, add a line. The first line that matches counts.
    /// HEAD goes where GET goes.
    package static let all: [SandboxRoute] = [
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

    /// The same for its CDN, where the signature in the query has been checked before.
    package static let onCDN: [SandboxRoute] = [
        SandboxRoute(.get, "/repos/{serial}/{oid}", Sandbox.download),
        SandboxRoute(.get, "/repos/{serial}/{oid}/xorb", Sandbox.downloadWrapped),
        SandboxRoute(.get, "/xorbs/default/{hash}", Sandbox.downloadXorb),
        SandboxRoute(.put, "/xorb-uploads/{grant}", Sandbox.uploadXorb),
        SandboxRoute(.put, "/uploads/{serial}/{oid}", Sandbox.putObject),
        SandboxRoute(.put, "/parts/{upload}/{part}", Sandbox.putPart),
    ]

    /// The same for Xet's content-addressed store, where the token has been checked before.
    package static let onCAS: [SandboxRoute] = [
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

    /// Throws 404 for a path that is in no line, 405 for one with other methods.
    package static func find(
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
