import Hub

/// All repositories of the sandbox, and the names that they had before.
struct SandboxShelf {
    struct Key: Hashable {
        let kind: RepoKind
        let id: RepoID
    }

    /// The most repositories, and the most old names: nobody must be able to fill the memory of a sandbox.
    let capacity: Int

    /// What all repositories take in memory, roughly.
    private(set) var heldBytes = 0

    private var repos: [Key: SandboxRepo] = [:]
    private var oldNames: [Key: RepoID] = [:]
    private var created = 0

    init(capacity: Int = 10_000) {
        self.capacity = capacity
    }

    subscript(_ key: Key) -> SandboxRepo? { repos[key] }

    /// The present name of what was called `key` once, or is by an old canonical name.
    func successor(of key: Key) -> SandboxRepo? {
        oldNames[key].flatMap { repos[Key(kind: key.kind, id: $0)] }
    }

    /// The repository with this `_id`, whatever its name is now.
    func repo(withSerial serial: String) -> SandboxRepo? { repos.values.first { $0.serial == serial } }

    /// Those of one kind that `token` may see, by name.
    func visible(_ kind: RepoKind, to token: SandboxToken?) -> [SandboxRepo] {
        repos.values.filter { $0.kind == kind && $0.isVisible(to: token) }.sorted { $0.id.text < $1.id.text }
    }

    /// Makes a repository; an old name that stands in its way is forgotten, as on the Hub. The name must be free.
    mutating func create(
        _ key: Key, visibility: SandboxRepo.Visibility = .public, sdk: SpaceSDK? = nil, at time: Int64
    ) throws(SandboxRefusal) -> SandboxRepo {
        guard repos.count < capacity else { throw .tooMany(retryAfter: 86_400) }
        created += 1
        let repo = SandboxRepo(
            kind: key.kind, id: key.id, visibility: visibility, sdk: sdk, createdAt: time, number: created)
        repos[key] = repo
        oldNames[key] = nil
        return repo
    }

    mutating func update(_ repo: SandboxRepo) {
        heldBytes += repo.heldBytes - (repos[repo.key]?.heldBytes ?? 0)
        repos[repo.key] = repo
    }

    mutating func delete(_ repo: SandboxRepo) {
        heldBytes -= repos.removeValue(forKey: repo.key)?.heldBytes ?? 0
        oldNames = oldNames.filter { $0.key.kind != repo.kind || $0.value != repo.id }
    }

    /// Gives `repo` another name, which must be free. Its older names lead there at once, not over its last one.
    mutating func move(_ repo: SandboxRepo, to id: RepoID) throws(SandboxRefusal) {
        guard oldNames.count < capacity else { throw .tooMany(retryAfter: 86_400) }
        for (key, target) in oldNames where key.kind == repo.kind && target == repo.id { oldNames[key] = id }
        repos[repo.key] = nil
        var moved = repo
        moved.id = id
        repos[moved.key] = moved
        oldNames[moved.key] = nil
        oldNames[repo.key] = id
    }

    /// Makes `name` lead to `id`, as `gpt2` leads to `openai-community/gpt2`.
    mutating func alias(_ name: Key, to id: RepoID) { oldNames[name] = id }
}

extension SandboxRepo {
    var key: SandboxShelf.Key { SandboxShelf.Key(kind: kind, id: id) }

    func isVisible(to token: SandboxToken?) -> Bool {
        visibility != .private || token?.mayRead(in: id.namespace) == true
    }
}
