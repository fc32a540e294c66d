import Hub

extension SandboxShelf {
    private struct Sample {
        let kind: RepoKind
        let name: String
        var visibility = SandboxRepo.Visibility.public
        var sdk: SpaceSDK?
    }

    /// One of each kind, and one for each answer to "may I?".
    private static let sampleRepos = [
        Sample(kind: .model, name: "sandbox/demo"),
        Sample(kind: .model, name: "acme/tiny-bert", visibility: .private),
        Sample(kind: .model, name: "readers/notes", visibility: .private),
        Sample(kind: .model, name: "other/shared"),
        Sample(kind: .model, name: "other/secret", visibility: .private),
        Sample(kind: .model, name: "openai-community/gpt2"),
        Sample(kind: .dataset, name: "sandbox/squad-mini"),
        Sample(kind: .space, name: "sandbox/hello", sdk: .static),
    ]

    /// Models from before there were namespaces.
    private static let canonicalModels = [(name: "gpt2", successor: "openai-community/gpt2")]

    static func samples(createdAt time: Int64) -> SandboxShelf {
        var shelf = SandboxShelf()
        for sample in sampleRepos {
            guard let id = try? RepoID(sample.name) else { continue }
            _ = try? shelf.create(
                Key(kind: sample.kind, id: id), visibility: sample.visibility, sdk: sample.sdk, at: time)
        }
        for model in canonicalModels {
            guard let name = try? RepoID(model.name), let id = try? RepoID(model.successor) else { continue }
            shelf.alias(Key(kind: .model, id: name), to: id)
        }
        return shelf
    }
}
