import HTTP
import Hub

extension SandboxRepo {
    /// What a commit can be added to.
    package enum Reference: Sendable, Equatable {
        case branch(String)
        case pull(Int)
    }

    package func head(of reference: Reference) -> SandboxCommit? {
        switch reference {
        case .branch(let name): history.branches[name].flatMap { history.commits[$0] }
        case .pull(let number): history.pulls[number].flatMap { history.commits[$0] }
        }
    }

    package var main: SandboxCommit? { head(of: .branch("main")) }

    /// The writable reference for `revision`: a branch, or an open pull request. Nil for anything else.
    package func reference(_ revision: String) -> Reference? {
        if history.branches[revision] != nil { return .branch(revision) }
        let parts = revision.split(separator: "/", maxSplits: 2).map(String.init)
        guard parts.count == 3, parts[0] == "refs" else { return nil }
        if parts[1] == "heads", history.branches[parts[2]] != nil { return .branch(parts[2]) }
        guard parts[1] == "pr", let number = Int(parts[2]), history.pulls[number] != nil else { return nil }
        return .pull(number)
    }

    package mutating func point(_ reference: Reference, to commit: SandboxCommit) {
        switch reference {
        case .branch(let name): history.branches[name] = commit.id
        case .pull(let number): history.pulls[number] = commit.id
        }
    }

    /// Adds a commit, and moves `reference` to it.
    @discardableResult
    package mutating func commit(
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
    package mutating func begin(with files: [String: String] = [:], by author: String, _ digest: Digest)
        throws(SandboxRefusal)
    {
        let texts = files.merging([".gitattributes": Self.attributes]) { $1 }
        try commit(
            texts.mapValues { SandboxFile(regular: Array($0.utf8), digest) }, to: .branch("main"), after: nil,
            by: author,
            title: "initial commit", at: createdAt, digest)
    }

    /// The endings of names whose files become LFS ones; a part of the Hub's own list.
    package static let linkedEndings = [
        "7z", "arrow", "bin", "bz2", "ckpt", "gguf", "gz", "h5", "joblib", "msgpack", "npy", "npz", "onnx", "ot",
        "parquet", "pb", "pickle", "pkl", "pt", "pth", "safetensors", "tar", "tflite", "tgz", "wasm", "xz", "zip",
        "zst",
    ]

    private static let attributes =
        linkedEndings.map { "*.\($0) filter=lfs diff=lfs merge=lfs -text\n" }.joined()
}

extension SandboxRepo {
    /// Begins a discussion, or a proposal if there is a commit to start from; returns its number.
    package mutating func open(
        _ title: String, _ description: String, by author: String, from base: SandboxCommit?, isDraft: Bool = false,
        at date: Int64
    ) throws(SandboxRefusal) -> Int {
        guard !discussionsDisabled else { throw .forbidden("open discussions: they are disabled in this repository") }
        guard discussions.count < SandboxDiscussion.most, history.referenceCount < SandboxHistory.mostReferences else {
            throw .full("discussions")
        }
        guard !title.isEmpty, title.utf8.count <= 1000 else { throw .badRequest("Invalid title") }
        let number = discussions.count + 1
        var discussion = SandboxDiscussion(
            number: number, title: title, author: author, date: date, status: isDraft ? .draft : .open, base: base?.id)
        if !description.isEmpty { _ = try discussion.comment(description, by: author, at: date) }
        discussions.append(discussion)
        if let base { history.pulls[number] = base.id }
        return number
    }

    /// A commit on a proposal is an event of it.
    package mutating func note(_ commit: SandboxCommit, at reference: Reference) {
        guard case .pull(let number) = reference, discussions.indices.contains(number - 1) else { return }
        _ = try? discussions[number - 1].add(
            "commit", by: commit.author, at: commit.date,
            ["subject": .string(commit.title), "oid": .string(commit.id)])
    }

    /// The files that both the proposal and `main` changed, and differently.
    package func conflicts(of discussion: SandboxDiscussion) -> [String] {
        guard let (base, head, main) = ends(of: discussion) else { return [] }
        return Self.changed(base, head).filter { path in
            main[path]?.oid != base[path]?.oid && main[path]?.oid != head[path]?.oid
        }.sorted()
    }

    /// Puts the proposal's changes on `main`.
    package mutating func merge(_ discussion: SandboxDiscussion, by author: String, at date: Int64, _ digest: Digest)
        throws(SandboxRefusal) -> SandboxCommit
    {
        guard let (base, head, main) = ends(of: discussion), let parent = self.main else {
            throw .badRequest("This is no pull request")
        }
        guard conflicts(of: discussion).isEmpty else {
            throw SandboxRefusal(status: .conflict, message: "This pull request has conflicts")
        }
        var files = main
        for path in Self.changed(base, head) { files[path] = head[path] }
        return try commit(
            files, to: .branch("main"), after: parent.id, by: author,
            title: "\(discussion.title) (#\(discussion.number))", at: date, digest)
    }

    private typealias Files = [String: SandboxFile]

    private func ends(of discussion: SandboxDiscussion) -> (base: Files, head: Files, main: Files)? {
        guard let base = discussion.base.flatMap({ history.commits[$0] }),
            let head = head(of: .pull(discussion.number)), let main
        else { return nil }
        return (base.tree.files, head.tree.files, main.tree.files)
    }

    private static func changed(_ base: Files, _ head: Files) -> [String] {
        Set(base.keys).union(head.keys).filter { base[$0]?.oid != head[$0]?.oid }
    }
}
