package import Hub

/// All repositories of the sandbox, and the names that they had before.
package struct SandboxRepoStore {
    package struct Key: Hashable {
        package let kind: RepoKind
        package let id: RepoID
    }

    /// The most repositories, and the most old names: no client must be able to fill the memory of a sandbox.
    package let capacity: Int

    /// About how much memory all repositories take.
    package private(set) var heldBytes = 0

    private var repos: [Key: SandboxRepo] = [:]
    private var oldNames: [Key: RepoID] = [:]
    private var created = 0

    package init(capacity: Int = 10_000) {
        self.capacity = capacity
    }

    package subscript(_ key: Key) -> SandboxRepo? { repos[key] }

    /// The repository that had the name `key` before, or has it as an old canonical name.
    package func successor(of key: Key) -> SandboxRepo? {
        oldNames[key].flatMap { repos[Key(kind: key.kind, id: $0)] }
    }

    /// The repository with this `_id`, whatever its name is now.
    package func repo(withSerial serial: String) -> SandboxRepo? { repos.values.first { $0.serial == serial } }

    /// The repositories of one kind that `token` may see, by name.
    package func visible(_ kind: RepoKind, to token: SandboxToken?) -> [SandboxRepo] {
        repos.values.filter { $0.kind == kind && $0.isVisible(to: token) }.sorted { $0.id.text < $1.id.text }
    }

    /// Makes a repository; an old name that is the same is forgotten, as on the Hub. The name must be free.
    package mutating func create(
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

    package mutating func update(_ repo: SandboxRepo) {
        heldBytes += repo.heldBytes - (repos[repo.key]?.heldBytes ?? 0)
        repos[repo.key] = repo
    }

    package mutating func delete(_ repo: SandboxRepo) {
        heldBytes -= repos.removeValue(forKey: repo.key)?.heldBytes ?? 0
        oldNames = oldNames.filter { $0.key.kind != repo.kind || $0.value != repo.id }
    }

    /// Gives `repo` another name, which must be free. Its older names lead there at once, not over its last one.
    package mutating func move(_ repo: SandboxRepo, to id: RepoID) throws(SandboxRefusal) {
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
    package mutating func alias(_ name: Key, to id: RepoID) { oldNames[name] = id }
}

extension SandboxRepo {
    package var key: SandboxRepoStore.Key { SandboxRepoStore.Key(kind: kind, id: id) }

    package func isVisible(to token: SandboxToken?) -> Bool {
        visibility != .private || token?.mayRead(in: id.namespace) == true
    }
}

extension SandboxRepoStore {
    private struct Sample {
        let kind: RepoKind
        let name: String
        var visibility = SandboxRepo.Visibility.public
        var sdk: SpaceSDK?
        var files: [String: String] = [:]
        /// The path of an LFS file, whose content is on the CDN.
        var linked: String?
    }

    /// One of each kind, and one for each case of access.
    private static let sampleRepos = [
        Sample(
            kind: .model, name: "sandbox/demo",
            files: ["config.json": config, "tokenizer/vocab.txt": "[PAD]\n[UNK]\n"],
            linked: "model.safetensors"),
        Sample(kind: .model, name: "acme/tiny-bert", visibility: .private),
        Sample(kind: .model, name: "readers/notes", visibility: .private),
        Sample(kind: .model, name: "other/shared"),
        Sample(kind: .model, name: "other/secret", visibility: .private),
        Sample(
            kind: .model, name: "openai-community/gpt2", files: ["config.json": config], linked: "model.safetensors"),
        Sample(
            kind: .dataset, name: "sandbox/squad-mini",
            files: ["data/train.jsonl": "{\"question\": \"What is this?\", \"answer\": \"A sandbox.\"}\n"]),
        Sample(kind: .space, name: "sandbox/hello", sdk: .static, files: ["index.html": "<h1>Hello</h1>\n"]),
    ]

    private static let config = "{\"architectures\": [\"SandboxModel\"], \"hidden_size\": 8}\n"

    /// Models from before there were namespaces.
    private static let canonicalModels = [(name: "gpt2", successor: "openai-community/gpt2")]

    package static func samples(createdAt time: Int64, _ digest: Digest) -> SandboxRepoStore {
        var repos = SandboxRepoStore()
        for sample in sampleRepos {
            guard let id = try? RepoID(sample.name),
                var repo = try? repos.create(
                    Key(kind: sample.kind, id: id), visibility: sample.visibility, sdk: sample.sdk, at: time)
            else { continue }
            try? repo.fill(with: sample.files, linked: sample.linked, digest)
            repos.update(repo)
        }
        for model in canonicalModels {
            guard let name = try? RepoID(model.name), let id = try? RepoID(model.successor) else { continue }
            repos.alias(Key(kind: .model, id: name), to: id)
        }
        return repos
    }
}

extension SandboxRepo {
    /// Made once, as tests make many sandboxes.
    private static let linkedContent = (0..<256 * 1024).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

    fileprivate mutating func fill(with files: [String: String], linked: String?, _ digest: Digest)
        throws(SandboxRefusal)
    {
        let owner = id.namespace ?? id.name
        try begin(
            with: files.merging(["README.md": "---\nlicense: mit\n---\n# \(id.text)\n"]) { $1 }, by: owner, digest)
        guard let linked, let main else { return }
        let content = Self.linkedContent
        let sha256 = digest.sha256Hex(content)
        history.store(content, as: sha256)
        let file = SandboxFile(linked: sha256, content: content, xetHash: history.xetHashes[sha256], digest)
        try commit(
            main.tree.files.merging([linked: file]) { $1 },
            to: .branch("main"), after: main.id, by: owner, title: "Upload \(linked)", at: createdAt, digest)
    }
}
