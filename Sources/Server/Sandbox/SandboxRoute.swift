import Hub

/// One line of the sandbox's table: a method, a path, and what answers there.
struct SandboxRoute: Sendable {
    typealias Handler = @Sendable (inout Sandbox, SandboxCall) throws(SandboxRefusal) -> Response

    let method: Method
    let handler: Handler
    private let parts: [Part]

    private enum Part: Sendable {
        case literal(String)
        case captured(String)
    }

    /// `pattern` is a path in which `{owner}` stands for any segment and keeps it as `owner`; `{kind}` stands for
    /// `models`, `datasets` and `spaces` only.
    init(_ method: Method, _ pattern: String, _ handler: @escaping Handler) {
        self.method = method
        self.handler = handler
        parts = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            part.hasPrefix("{") ? .captured(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    var methods: [Method] { method == .get ? [.get, .head] : [method] }

    /// What the pattern's names stand for in a path with these decoded segments; nil if it is not such a path.
    func match(_ segments: [String]) -> [String: String]? {
        guard segments.count == parts.count else { return nil }
        var captured: [String: String] = [:]
        for (part, segment) in zip(parts, segments) {
            switch part {
            case .literal(let text): guard text == segment else { return nil }
            case .captured("kind"):
                guard RepoKind(apiPath: segment) != nil else { return nil }
                captured["kind"] = segment
            case .captured(let name): captured[name] = segment
            }
        }
        return captured
    }
}

extension RepoKind {
    /// To the letter, other than `init(facade:)`: the Hub has no `/api/Models`.
    init?(apiPath text: String) {
        guard let kind = Self.allCases.first(where: { $0.apiPath == text }) else { return nil }
        self = kind
    }
}
