import HTTP
import Hub

/// What a request asks of a revision, as far as a pulled one can say it.
struct HeldQuestion: Equatable, Sendable {
    enum Wish: Equatable, Sendable {
        case info
        /// What a folder holds; the empty path is the root.
        case tree(String)
        /// What is said of paths that the body names.
        case paths
        case refs
        case file(String)
    }

    let repo: RepoKey
    let revision: String
    let wish: Wish

    /// Nil for anything else. What repository it is about is read as its rights were judged.
    init?(_ method: Method, _ target: Target) {
        let operation = HubOperation.find(method == .head ? .get : method, target)
        let resource = operation.resource
        guard let row = operation.row, resource.form == .repo, let kind = resource.kind?.repoKind else { return nil }
        let owner = resource.owner
        guard let id = try? RepoID(namespace: owner.isEmpty ? nil : owner, name: resource.name) else { return nil }
        let isAPI = row.path.hasPrefix("/api/")
        let named = (isAPI ? 2 : kind == .model ? 0 : 1) + (owner.isEmpty ? 1 : 2)
        // Behind the name: a word, the revision, a path.
        let rest = target.segments.dropFirst(named)
        let revision = rest.dropFirst().first ?? "main"
        let path = rest.dropFirst(2).joined(separator: "/")
        switch row.path {
        case "/api/{T}/{id}", "/api/{T}/{id}/revision/{rev}": wish = .info
        case "/api/{T}/{id}/tree/{rev}[/{path}]": wish = .tree(path.hasSuffix("/") ? String(path.dropLast()) : path)
        case "/api/{T}/{id}/paths-info/{rev}": wish = .paths
        case "/api/{T}/{id}/refs": wish = .refs
        case "/[{T}/]{id}/resolve/{rev}/{path}": wish = .file(path)
        default: return nil
        }
        self.repo = RepoKey(kind, id)
        self.revision = wish == .refs ? "main" : revision
    }

    /// What is asked for, in words.
    var text: String {
        switch wish {
        case .file(let path): "\(path.shown) of \(repo.text) at \(revision.shown)"
        default: "\(repo.text) at \(revision.shown)"
        }
    }
}

extension HeldRevisions {
    /// Whether what was pulled has that content at the path that is asked for.
    func has(_ name: BlobName, _ question: HeldQuestion) async -> Bool {
        guard case .file(let path) = question.wish, let head = head(of: question.revision, in: question.repo),
            let revision = await find(question.repo, commit: head.commit)
        else { return false }
        return revision[path]?.content == name
    }
}

extension ResourceKind {
    /// Nil for what is no repository of git.
    var repoKind: RepoKind? {
        switch self {
        case .model: .model
        case .dataset: .dataset
        case .space: .space
        case .kernel, .bucket: nil
        }
    }
}
