package import HTTP
import Hub

extension Sandbox {
    private static let commitsOnPage = 50

    /// GET /api/{kind}/{id}/commits/{revision}
    package static func commits(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, commit) = try hub.commit(of: call)
        let all = repo.history.ancestry(of: commit)
        var response = try hub.paged(all, for: call, size: commitsOnPage, cursor: \.id, json: \.json)
        response.headers.set("X-Total-Count", String(all.count))
        return response
    }

    /// GET /api/{kind}/{id}/refs[?include_prs=1]
    package static func references(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let history = try hub.readable(by: call).history
        func list(_ references: [String: String], _ folder: String) -> JSON {
            .array(
                references.sorted { $0.key < $1.key }.map { name, commit in
                    ["name": .string(name), "ref": .string("\(folder)/\(name)"), "targetCommit": .string(commit)]
                })
        }
        var members: [String: JSON] = [
            "branches": list(history.branches, "refs/heads"), "tags": list(history.tags, "refs/tags"), "converts": [],
        ]
        if call.query.isSet("include_prs") {
            members["pullRequests"] = .array(
                history.pulls.sorted { $0.key < $1.key }.map { number, commit in
                    let name = JSON.string("refs/pr/\(number)")
                    return ["name": name, "ref": name, "targetCommit": .string(commit)]
                })
        }
        return Response(.ok, hub: .object(members))
    }

    /// POST /api/{kind}/{id}/branch/{branch} `{startingPoint?}`
    package static func createBranch(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.writable(by: call, to: "create a branch in")
        let start = call.request.body.isEmpty ? nil : try call.body().nullableString("startingPoint")
        let name = try newReference(call.captured["branch"] ?? "", in: repo)
        guard repo.history.branches[name] == nil else { throw .referenceExists }
        guard let commit = repo.history.commit(at: start ?? "main") else { throw .revisionNotFound(start ?? "main") }
        repo.history.branches[name] = commit.id
        hub.repos.update(repo)
        return Response(.ok, hub: ["success": true])
    }

    /// DELETE /api/{kind}/{id}/branch/{branch}
    package static func deleteBranch(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.writable(by: call, to: "delete a branch of")
        let name = call.captured["branch"] ?? ""
        guard name != "main" else { throw .forbidden("delete the branch \"main\"") }
        guard repo.history.branches.removeValue(forKey: name) != nil else { throw .revisionNotFound(name) }
        hub.repos.update(repo)
        return Response(.ok, hub: ["success": true])
    }

    /// POST /api/{kind}/{id}/tag/{revision} `{tag, message?}`
    package static func createTag(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.writable(by: call, to: "create a tag in")
        let name = try newReference(call.body().string("tag"), in: repo)
        guard let commit = repo.history.commit(at: call.revision) else { throw .revisionNotFound(call.revision) }
        guard repo.history.tags[name] == nil else { throw .referenceExists }
        repo.history.tags[name] = commit.id
        hub.repos.update(repo)
        return Response(.ok, hub: ["success": true])
    }

    /// DELETE /api/{kind}/{id}/tag/{tag}
    package static func deleteTag(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.writable(by: call, to: "delete a tag of")
        let name = call.captured["revision"] ?? ""
        guard repo.history.tags.removeValue(forKey: name) != nil else { throw .revisionNotFound(name) }
        hub.repos.update(repo)
        return Response(.ok, hub: ["success": true])
    }

    /// POST /api/{kind}/{id}/super-squash/{revision} `{message}`: the branch's files as its only commit.
    package static func squash(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        var repo = try hub.writable(by: call, to: "squash the history of")
        let message = try call.body().string("message")
        guard let reference = repo.reference(call.revision), let head = repo.head(of: reference) else {
            throw .revisionNotFound(call.revision)
        }
        try hub.makeRoom(for: message.utf8.count)
        try repo.commit(
            head.tree.files, to: reference, after: nil, by: call.requiredToken().account.name, title: message,
            at: hub.now(), hub.digest)
        hub.repos.update(repo)
        return Response(.ok, hub: ["success": true])
    }

    /// A name that git accepts, if there is room for it.
    private static func newReference(_ name: String, in repo: SandboxRepo) throws(SandboxRefusal) -> String {
        guard (try? Revision(name)) != nil, SandboxTree.isPath(name), !name.hasPrefix("refs/"), !name.contains(" ")
        else { throw .badRequest("Invalid reference name") }
        guard repo.history.referenceCount < SandboxHistory.mostReferences else { throw .full("references") }
        return name
    }
}
