import HTTP
import Hub

/// The resources that a rule is about: `acme/*`, `model:acme/team-a-*`, `*`, `gpt2`, or `public`.
///
/// `*` matches any characters but a slash; alone it matches everything. For `infer` it matches slashes, too, as providers have names of
/// their own for models.
struct ResourcePattern: Sendable, Hashable {
    /// Nil: every kind.
    let kind: ResourceKind?
    /// Without the kind.
    let glob: String
    /// Public content: asked of the Hub without a credential.
    let isPublic: Bool

    static let all = ResourcePattern(kind: nil, glob: "*", isPublic: false)
    static let longest = 200
    static let mostStars = 8

    /// Whether it matches everything of every kind.
    var isAll: Bool { kind == nil && glob == "*" && !isPublic }

    private init(kind: ResourceKind?, glob: String, isPublic: Bool) {
        self.kind = kind
        self.glob = glob
        self.isPublic = isPublic
    }

    /// Reads `[KIND:]GLOB`. With `isOfModels` alone the glob may have more than one slash.
    init(_ text: String, isOfModels: Bool = false) throws(RuleError) {
        guard text != "public" else {
            self = ResourcePattern(kind: nil, glob: "*", isPublic: true)
            return
        }
        let (kind, glob) = try Self.divided(text)
        guard !glob.isEmpty else { throw RuleError("a pattern is missing: \"owner/*\", \"owner/name\" or \"*\"") }
        guard glob.utf8.count <= Self.longest else {
            throw RuleError("a pattern has at most \(Self.longest) characters, this has \(glob.utf8.count)")
        }
        try Self.check(glob, isOfModels: isOfModels)
        self.kind = kind
        self.glob = glob
        isPublic = false
    }

    private static func divided(_ text: String) throws(RuleError) -> (ResourceKind?, String) {
        guard let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/") else { return (nil, text) }
        let name = String(text[..<colon])
        guard let kind = ResourceKind(name: name) else {
            let kinds = ResourceKind.allCases.map(\.name)
            throw RuleError(
                "there is no kind \(RuleError.shown(name))\(Suggestion.text(for: name, among: kinds)); kinds: "
                    + kinds.joined(separator: ", "))
        }
        return (kind, String(text[text.index(after: colon)...]))
    }

    private static func check(_ glob: String, isOfModels: Bool) throws(RuleError) {
        let marks = Array("-_./*".utf8) + (isOfModels ? Array(":@".utf8) : [])
        guard glob.utf8.allSatisfy({ $0.isASCIIAlphanumeric || marks.contains($0) }) else {
            throw RuleError(
                "\(RuleError.shown(glob)) is no pattern: names have letters, digits, \"-\", \"_\" and \".\", and \"*\" stands for any of them"
            )
        }
        guard glob.utf8.count(where: { $0 == UInt8(ascii: "*") }) <= mostStars, !glob.contains("**") else {
            throw RuleError("a pattern has at most \(mostStars) stars, and none beside another")
        }
        let parts = glob.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: \.isEmpty) else {
            throw RuleError("\(RuleError.shown(glob)) has an empty part; all of an owner's is \"owner/*\"")
        }
        guard !parts.contains(where: { $0 == "." || $0 == ".." }) else {
            throw RuleError("\(RuleError.shown(glob)) has a part of dots, which no name is")
        }
        guard isOfModels || parts.count <= 2 else {
            throw RuleError(
                "\(RuleError.shown(glob)) has more than one slash: a pattern is for \"owner/name\"; the kind goes before it, as in \"dataset:owner/name\""
            )
        }
    }
}

extension ResourcePattern: CustomStringConvertible {
    var description: String { isPublic ? "public" : (kind.map { $0.name + ":" } ?? "") + glob }
}

/// Why a rule cannot be read: a clause for a sentence such as `The rule "…" cannot be read: …`.
struct RuleError: Error, Equatable, CustomStringConvertible {
    let reason: String

    init(_ reason: String) { self.reason = reason }

    var description: String { reason }

    /// An operator's text in quotes, short, printable, and without what could be a credential.
    static func shown(_ text: String) -> String {
        "\""
            + String(
                decoding: CredentialMask.text(text).utf8.prefix(80).map {
                    (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?")
                },
                as: UTF8.self) + "\""
    }
}
