import Hub

/// One commit, with all files as they are after it.
struct SandboxCommit: Sendable, Equatable {
    /// The id that git would give it.
    let id: String
    let parent: String?
    let author: String
    let title: String
    let message: String
    /// Seconds since 1970.
    let date: Int64
    let tree: SandboxTree

    init(
        of tree: SandboxTree, after parent: String?, by author: String, title: String, message: String = "",
        at date: Int64, _ digest: Digest
    ) {
        let person = "\(author) <\(author)@sandbox.invalid> \(date) +0000"
        let lines = [
            "tree \(tree.oid)\n", parent.map { "parent \($0)\n" } ?? "", "author \(person)\ncommitter \(person)\n\n",
            title, message.isEmpty ? "" : "\n\n\(message)",
        ]
        id = digest.gitObject("commit", Array(lines.joined().utf8))
        self.parent = parent
        self.author = author
        self.title = title
        self.message = message
        self.date = date
        self.tree = tree
    }

    var json: JSON {
        [
            "id": .string(id), "title": .string(title), "message": .string(message),
            "date": .string(SandboxRepo.timestamp(date)),
            "authors": [["user": .string(author), "avatar": .string("/avatars/\(author).svg")]],
        ]
    }

    /// As an entry of a tree shows the last commit that touched it.
    var short: JSON {
        ["id": .string(id), "title": .string(title), "date": .string(SandboxRepo.timestamp(date))]
    }
}
