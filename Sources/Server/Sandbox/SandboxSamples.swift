import Hub

extension SandboxShelf {
    private struct Sample {
        let kind: RepoKind
        let name: String
        var visibility = SandboxRepo.Visibility.public
        var sdk: SpaceSDK?
        var files: [String: String] = [:]
        /// A file that is larger than its text, and on the CDN.
        var linked: String?
    }

    /// One of each kind, and one for each answer to "may I?".
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

    static func samples(createdAt time: Int64, _ digest: Digest) -> SandboxShelf {
        var shelf = SandboxShelf()
        for sample in sampleRepos {
            guard let id = try? RepoID(sample.name),
                var repo = try? shelf.create(
                    Key(kind: sample.kind, id: id), visibility: sample.visibility, sdk: sample.sdk, at: time)
            else { continue }
            try? repo.fill(with: sample.files, linked: sample.linked, digest)
            shelf.update(repo)
        }
        for model in canonicalModels {
            guard let name = try? RepoID(model.name), let id = try? RepoID(model.successor) else { continue }
            shelf.alias(Key(kind: .model, id: name), to: id)
        }
        return shelf
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
