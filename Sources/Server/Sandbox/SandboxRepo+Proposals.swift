import Hub

extension SandboxRepo {
    /// Begins a discussion, or with a commit to start from a proposal; gives its number.
    mutating func open(
        _ title: String, _ description: String, by author: String, from base: SandboxCommit?, isDraft: Bool = false,
        at date: Int64, _ digest: Digest
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
    mutating func note(_ commit: SandboxCommit, at reference: Reference, _ digest: Digest) {
        guard case .pull(let number) = reference, discussions.indices.contains(number - 1) else { return }
        _ = try? discussions[number - 1].add(
            "commit", by: commit.author, at: commit.date,
            ["subject": .string(commit.title), "oid": .string(commit.id)])
    }

    /// The files that both the proposal and `main` changed, and differently.
    func conflicts(of discussion: SandboxDiscussion) -> [String] {
        guard let (base, head, main) = ends(of: discussion) else { return [] }
        return Self.changed(base, head).filter { path in
            main[path]?.oid != base[path]?.oid && main[path]?.oid != head[path]?.oid
        }.sorted()
    }

    /// Puts what the proposal changed on `main`.
    mutating func merge(_ discussion: SandboxDiscussion, by author: String, at date: Int64, _ digest: Digest)
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
