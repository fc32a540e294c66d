import Hub

extension SandboxRepo {
    /// What a commit can be put on.
    enum Reference: Sendable, Equatable {
        case branch(String)
        case pull(Int)
    }

    func head(of reference: Reference) -> SandboxCommit? {
        switch reference {
        case .branch(let name): history.branches[name].flatMap { history.commits[$0] }
        case .pull(let number): history.pulls[number].flatMap { history.commits[$0] }
        }
    }

    var main: SandboxCommit? { head(of: .branch("main")) }

    /// What may be written to under the name `revision`: a branch, or an open pull request. Nil for anything else.
    func reference(_ revision: String) -> Reference? {
        if history.branches[revision] != nil { return .branch(revision) }
        let parts = revision.split(separator: "/", maxSplits: 2).map(String.init)
        guard parts.count == 3, parts[0] == "refs" else { return nil }
        if parts[1] == "heads", history.branches[parts[2]] != nil { return .branch(parts[2]) }
        guard parts[1] == "pr", let number = Int(parts[2]), history.pulls[number] != nil else { return nil }
        return .pull(number)
    }

    mutating func point(_ reference: Reference, to commit: SandboxCommit) {
        switch reference {
        case .branch(let name): history.branches[name] = commit.id
        case .pull(let number): history.pulls[number] = commit.id
        }
    }

    /// Puts a commit on `reference`, which thereby comes to be where it was not.
    @discardableResult
    mutating func commit(
        _ files: [String: SandboxFile], to reference: Reference, after parent: String?, by author: String,
        title: String, message: String = "", at date: Int64, _ digest: Digest
    ) throws(SandboxRefusal) -> SandboxCommit {
        guard files.count <= SandboxTree.mostFiles else { throw .full("files in this repository") }
        let commit = SandboxCommit(
            of: SandboxTree(files, digest), after: parent, by: author, title: title, message: message, at: date, digest)
        try history.add(commit)
        point(reference, to: commit)
        return commit
    }

    /// The commit that the Hub itself makes in a new repository, with `files` besides.
    mutating func begin(with files: [String: String] = [:], by author: String, _ digest: Digest) throws(SandboxRefusal)
    {
        let texts = files.merging([".gitattributes": Self.attributes]) { $1 }
        try commit(
            texts.mapValues { SandboxFile(regular: Array($0.utf8), digest) }, to: .branch("main"), after: nil,
            by: author,
            title: "initial commit", at: createdAt, digest)
    }

    /// The endings of names whose files become LFS ones; a part of the Hub's own list.
    static let linkedEndings = [
        "7z", "arrow", "bin", "bz2", "ckpt", "gguf", "gz", "h5", "joblib", "msgpack", "npy", "npz", "onnx", "ot",
        "parquet", "pb", "pickle", "pkl", "pt", "pth", "safetensors", "tar", "tflite", "tgz", "wasm", "xz", "zip",
        "zst",
    ]

    private static let attributes =
        linkedEndings.map { "*.\($0) filter=lfs diff=lfs merge=lfs -text\n" }.joined()
}
