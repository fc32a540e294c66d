import FoundationEssentials
package import HTTP
import Hub

extension Sandbox {
    private static let mostAsked = 256

    /// POST /api/{kind}/{id}/preupload/{revision}: how each file is to be uploaded.
    package static func preupload(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.committable(by: call)
        guard let commit = repo.history.commit(at: call.revision) else { throw .revisionNotFound(call.revision) }
        var answers: [JSON] = []
        for file in try call.body().objects("files", atMost: mostAsked) {
            let path = try file.string("path")
            let isLinked = try isLinked(path, size: file.number("size"), sample: file.nullableString("sample"))
            var members: [String: JSON] = [
                "path": .string(path), "uploadMode": isLinked ? "lfs" : "regular", "shouldIgnore": false,
            ]
            if let known = commit.tree.files[path] { members["oid"] = .string(known.etag) }
            answers.append(.object(members))
        }
        return Response(.ok, hub: ["files": .array(answers), "commitOid": .string(commit.id)])
    }

    /// By its size, its name's ending, or because it is no text.
    private static func isLinked(_ path: String, size: Int, sample: String?) -> Bool {
        if size > SandboxFile.longestRegular { return true }
        if path.contains("."), let ending = path.split(separator: ".").last?.lowercased(),
            SandboxRepo.linkedEndings.contains(ending)
        {
            return true
        }
        return sample.flatMap { Data(base64Encoded: $0) }.map { $0.contains(0) } ?? false
    }

    /// POST /api/{kind}/{id}/commit/{revision}[?create_pr=1]
    package static func commit(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.committable(by: call)
        let token = try call.requiredToken()
        let order = try SandboxCommitOrder(call.request)
        try hub.makeRoom(for: call.request.body.count)
        guard let base = repo.reference(call.revision), let head = repo.head(of: base) else {
            throw .revisionNotFound(call.revision)
        }
        let isProposal = call.query.isSet("create_pr")
        var parent = head
        if let wanted = order.parent, wanted != head.id {
            // A proposal may start from any commit; its merge finds out what happened since.
            guard isProposal, let commit = repo.history.commits[wanted] else { throw .headMoved }
            parent = commit
        }
        var number: Int?
        if isProposal {
            number = try repo.open(
                order.summary, order.description, by: token.account.name, from: parent, at: hub.now())
        }
        let commit = try repo.commit(
            order.apply(to: parent, of: repo.history, hub.digest), to: number.map { .pull($0) } ?? base,
            after: parent.id,
            by: token.account.name, title: order.summary, message: order.description, at: hub.now(), hub.digest)
        repo.note(commit, at: number.map { .pull($0) } ?? base)
        hub.repos.update(repo)
        return Response(.ok, hub: hub.receipt(of: commit, in: repo, proposal: number))
    }

    private func receipt(of commit: SandboxCommit, in repo: SandboxRepo, proposal number: Int?) -> JSON {
        let url = repo.url(at: origin)
        var members: [String: JSON] = [
            "success": true, "commitOid": .string(commit.id), "commitUrl": .string("\(url)/commit/\(commit.id)"),
            "hookOutput": "",
        ]
        if let number { members["pullRequestUrl"] = .string("\(url)/discussions/\(number)") }
        return .object(members)
    }

    /// The repository in the path, to commit to: a token that may only read may propose.
    package func committable(by call: SandboxCall) throws(SandboxRefusal) -> SandboxRepo {
        guard call.query.isSet("create_pr") || call.revision.hasPrefix("refs/pr/") else {
            return try writable(by: call, to: "commit to")
        }
        let token = try call.requiredToken()
        let repo = try readable(by: call)
        guard token.role == .write else { throw .forbidden("propose a commit to \(repo.id.text)") }
        return repo
    }
}
