import Hub

/// One line of the sandbox's table: a method, a path, and what answers there.
struct SandboxRoute: Sendable {
    typealias Handler = @Sendable (inout Sandbox, SandboxCall) throws(SandboxRefusal) -> Response

    let method: Method
    let handler: Handler
    /// One for each way to write the path.
    private let shapes: [[Part]]

    private enum Part: Sendable {
        case literal(String)
        case captured(String)
        /// A name with `.git` behind it.
        case gitName
        /// All segments that are left, at least one, joined by slashes.
        case rest(String)
    }

    /// `pattern` is a path in which `{revision}` stands for any segment and keeps it as `revision`. These mean more:
    /// - `{kind}`: one of `models`, `datasets`, `spaces`
    /// - `{web}`: the kind as it stands in web addresses: `datasets`, `spaces`, or nothing at all for a model
    /// - `{repo}`: `{owner}/{name}`, or `{name}` alone; `{repo}.git` the same with `.git` behind it
    /// - `{path*}`: the rest of the path
    init(_ method: Method, _ pattern: String, _ handler: @escaping Handler) {
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

    var methods: [Method] { method == .get ? [.get, .head] : [method] }

    /// What the pattern's names stand for in a path with these decoded segments; nil if it is not such a path.
    func match(_ segments: [String]) -> [String: String]? {
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
    /// To the letter, other than `init(facade:)`: the Hub has no `/api/Models`.
    init?(apiPath text: String) {
        guard let kind = Self.allCases.first(where: { $0.apiPath == text }) else { return nil }
        self = kind
    }
}
