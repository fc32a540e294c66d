/// A repository as the Hub names it after creating it.
public struct Repo: Hashable, Sendable {
    public let kind: RepoKind
    /// With its namespace, also where the order left it out.
    public let id: RepoID
    /// The Hub's own URL, as received: on the Hub's host, not the gateway's.
    public let url: String

    public init(kind: RepoKind, id: RepoID, url: String) {
        self.kind = kind
        self.id = id
        self.url = url
    }

    /// The path of its page below any origin: `/datasets/ns/name`.
    public var webPath: String { "/" + kind.webPrefix + id.path }
}
