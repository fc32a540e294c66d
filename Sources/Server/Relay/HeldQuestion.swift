import HTTP
import Hub

/// A request about a revision that a pulled one can answer.
struct HeldQuestion: Equatable, Sendable {
    enum Wish: Equatable, Sendable {
        case info
        /// The content of a folder; the empty path is the root.
        case tree(String)
        /// Information about paths that the body names.
        case paths
        case refs
        case file(String)
    }

    let repo: RepoKey
    let revision: String
    let wish: Wish

    /// Nil for any other request. The repository is found as for the rights.
    init?(_ method: Method, _ target: Target) {
        let operation = HubOperation.find(method == .head ? .get : method, target)
        let resource = operation.resource
        guard let row = operation.row, resource.form == .repo, let kind = resource.kind?.repoKind else { return nil }
        let owner = resource.owner
        guard let id = try? RepoID(namespace: owner.isEmpty ? nil : owner, name: resource.name) else { return nil }
        let isAPI = row.path.hasPrefix("/api/")
        let named = (isAPI ? 2 : kind == .model ? 0 : 1) + (owner.isEmpty ? 1 : 2)
        // After the repository's name: a word, the revision, a path.
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

    /// The subject of the question, in words.
    var text: String {
        switch wish {
        case .file(let path): "\(path.shown) of \(repo.text) at \(revision.shown)"
        default: "\(repo.text) at \(revision.shown)"
        }
    }
}

extension HeldRevisions {
    /// Whether the pulled revision has that content at the path in question.
    func has(_ name: BlobName, _ question: HeldQuestion) async -> Bool {
        guard case .file(let path) = question.wish, let head = head(of: question.revision, in: question.repo),
            let revision = await find(question.repo, commit: head.commit)
        else { return false }
        return revision[path]?.content == name
    }
}

extension ResourceKind {
    /// Nil for a resource that is no git repository.
    var repoKind: RepoKind? {
        switch self {
        case .model: .model
        case .dataset: .dataset
        case .space: .space
        case .kernel, .bucket: nil
        }
    }
}
