package import HTTP
import Hub

extension Sandbox {
    private static let discussionsOnPage = 10

    /// GET /api/{kind}/{id}/discussions?p=&type=&status=&author=: pages by number, without Link; the newest first.
    package static func listDiscussions(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.readable(by: call)
        let query = call.query
        let found = repo.discussions.reversed().filter { discussion in
            (query["author"].map { $0 == discussion.author } ?? true) && isWanted(discussion, query)
        }
        guard let page = Int(query["p"] ?? "0"), (0...SandboxDiscussion.most).contains(page) else {
            throw .badRequest("\"p\" must be the number of a page")
        }
        let start = page * discussionsOnPage
        return Response(
            .ok,
            hub: [
                "discussions": .array(
                    found.dropFirst(start).prefix(discussionsOnPage).map { .object($0.json(in: repo)) }),
                "count": .integer(Int64(found.count)), "start": .integer(Int64(start)),
            ])
    }

    private static func isWanted(_ discussion: SandboxDiscussion, _ query: SandboxQuery) -> Bool {
        let isOpen = [.open, .draft].contains(discussion.status)
        let hasStatus =
            switch query["status"] {
            case "open": isOpen
            case "closed": !isOpen
            default: true
            }
        let hasType =
            switch query["type"] {
            case "discussion": discussion.base == nil
            case "pull_request": discussion.base != nil
            default: true
            }
        return hasStatus && hasType
    }

    /// POST /api/{kind}/{id}/discussions `{title, description, pullRequest}`: allowed for every token that may read.
    package static func createDiscussion(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        var repo = try hub.readable(by: call)
        let body = try call.body()
        guard token.role == .write else { throw .forbidden("discuss \(repo.id.text)") }
        try hub.makeRoom(for: call.request.body.count)
        let isProposal = try body.optionalFlag("pullRequest") ?? false
        let number = try repo.open(
            body.string("title"), body.nullableString("description") ?? "", by: token.account.name,
            from: isProposal ? repo.main : nil, isDraft: isProposal, at: hub.now())
        hub.repos.update(repo)
        return Response(.ok, hub: hub.details(of: repo.discussions[number - 1], in: repo, call))
    }

    /// GET /api/{kind}/{id}/discussions/{number}[?diff=1]
    package static func discussion(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.readable(by: call)
        return Response(.ok, hub: try hub.details(of: repo.discussions[index(call, in: repo)], in: repo, call))
    }

    private func details(of discussion: SandboxDiscussion, in repo: SandboxRepo, _ call: SandboxCall) -> JSON {
        discussion.details(
            in: repo, conflicts: repo.conflicts(of: discussion),
            url: "\(repo.url(at: origin))/discussions/\(discussion.number)", withDiff: call.query.isSet("diff"))
    }

    private static func index(_ call: SandboxCall, in repo: SandboxRepo) throws(SandboxRefusal) -> Int {
        guard let number = call.captured["number"].flatMap({ Int($0) }), repo.discussions.indices.contains(number - 1)
        else { throw SandboxRefusal(status: .notFound, message: "Discussion not found") }
        return number - 1
    }

    /// POST …/discussions/{number}/comment `{comment}`
    package static func comment(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.change(call, named: "newMessage", asModerator: false) {
            discussion, _, author, date throws(SandboxRefusal) in
            try discussion.comment(call.body().string("comment"), by: author, at: date)
        }
    }

    /// POST …/discussions/{number}/title `{title}`
    package static func retitle(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.change(call, named: "newTitle") { discussion, _, author, date throws(SandboxRefusal) in
            let (old, new) = (discussion.title, try call.body().string("title"))
            guard !new.isEmpty, new.utf8.count <= 1000 else { throw .badRequest("Invalid title") }
            discussion.title = new
            return try discussion.add("title-change", by: author, at: date, ["from": .string(old), "to": .string(new)])
        }
    }

    /// POST …/discussions/{number}/status `{status, comment?}`
    package static func changeStatus(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.change(call, named: "newStatus") { discussion, _, author, date throws(SandboxRefusal) in
            let body = try call.body()
            guard let status = try body.choice("status", of: SandboxDiscussion.Status.self),
                [.open, .closed].contains(status)
            else { throw .badRequest("\"status\" must be one of [open, closed]") }
            guard discussion.status != .merged else { throw .badRequest("It is merged") }
            if let text = try body.nullableString("comment"), !text.isEmpty {
                _ = try discussion.comment(text, by: author, at: date)
            }
            return try discussion.set(status, by: author, at: date)
        }
    }

    /// POST …/discussions/{number}/merge `{comment?}`, or without a body
    package static func merge(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try hub.writable(by: call, to: "merge into")
        let digest = hub.digest
        return try hub.change(call, named: "newStatus") { discussion, repo, author, date throws(SandboxRefusal) in
            guard [.open, .draft].contains(discussion.status) else { throw .badRequest("It is not open") }
            if !call.request.body.isEmpty, let text = try call.body().nullableString("comment"), !text.isEmpty {
                _ = try discussion.comment(text, by: author, at: date)
            }
            discussion.mergeCommit = try repo.merge(discussion, by: author, at: date, digest).id
            return try discussion.set(.merged, by: author, at: date)
        }
    }

    /// POST …/discussions/{number}/comment/{comment}/edit `{content}`
    package static func editComment(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let text = try call.body().string("content")
        guard text.utf8.count <= SandboxDiscussion.longestText else { throw .badRequest("Invalid comment") }
        return try hub.changeComment(call, to: text, hidden: false)
    }

    /// POST …/discussions/{number}/comment/{comment}/hide
    package static func hideComment(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        try hub.changeComment(call, to: "This comment has been hidden", hidden: true)
    }

    private mutating func changeComment(_ call: SandboxCall, to text: String, hidden: Bool) throws(SandboxRefusal)
        -> Response
    {
        try change(call, named: "updatedComment", asModerator: false) {
            discussion, repo, author, date throws(SandboxRefusal) in
            let id = call.captured["comment"]
            guard let index = discussion.events.firstIndex(where: { $0.id == id && $0.type == "comment" }) else {
                throw SandboxRefusal(status: .notFound, message: "Comment not found")
            }
            let isOwner = try call.requiredToken().mayWrite(in: repo.id.namespace)
            guard discussion.events[index].author == author || isOwner else { throw .forbidden("edit this comment") }
            discussion.events[index].data = SandboxDiscussion.content(text, edited: true, hidden: hidden, date: date)
            return discussion.events[index]
        }
    }

    private typealias Work = (
        _ discussion: inout SandboxDiscussion, _ repo: inout SandboxRepo, _ author: String, _ date: Int64
    ) throws(SandboxRefusal) -> SandboxDiscussion.Event

    /// Changes a discussion and returns the event. Moderation is allowed to its author and the repository's owners only.
    private mutating func change(
        _ call: SandboxCall, named name: String, asModerator: Bool = true, _ work: Work
    ) throws(SandboxRefusal) -> Response {
        let token = try call.requiredToken()
        var repo = try readable(by: call)
        let index = try Self.index(call, in: repo)
        var discussion = repo.discussions[index]
        let isModerator = discussion.author == token.account.name || token.mayWrite(in: repo.id.namespace)
        guard token.role == .write, isModerator || !asModerator else { throw .forbidden("change this discussion") }
        try makeRoom(for: call.request.body.count)
        let event = try work(&discussion, &repo, token.account.name, now())
        repo.discussions[index] = discussion
        repos.update(repo)
        return Response(.ok, hub: [name: event.json])
    }
}
