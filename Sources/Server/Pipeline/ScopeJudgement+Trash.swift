import EventIO
import HTTP
import Hub

/// A repository in the trash counts as deleted: no client reads or changes it here, and it is in no list. Deletes put repositories there.
extension ScopeJudgement {
    /// The name of the setting that refuses it, for the audit.
    private static let setting = "delete_grace"

    /// Whether the request's body can name a repository that is in the trash, or that would go there.
    var mayNameTrash: Bool {
        guard trash != nil, let body = operation.body else { return false }
        return switch body {
        case .create, .delete, .move, .duplicate, .bucketBatch, .lfsDuplicate, .volumes, .job: true
        case .settings, .bucketCreate, .lfsBatch, .collection, .collectionUpdate, .model: false
        }
    }

    /// Notes in the context what the gateway deletes itself, and what a list must not show. Throws the Hub's 404 for a repository in the trash, and
    /// `denied` for a change that may delete something unknown. `needs` include those of the body, where `mayNameTrash` says so.
    func passTrash(_ needs: [HubNeed]) throws(Failure) {
        guard let trash else { return }
        do throws(Failure) {
            try trash.check(needs)
            try checkSpelling(trash)
        } catch {
            auditRefused(needs, by: Self.setting)
            throw error
        }
        if operation.body == .delete, let need = needs.first { context.deletion = RepoDeletion(need.resource) }
        if operation.notes.contains(.filtered) { hideTrash() }
    }

    /// The Hub may read a path that is in no row of the table as any of the trash's paths.
    private func checkSpelling(_ trash: Trash) throws(Failure) {
        if case .row = operation.reading { return }
        if TrashName.stands(in: context.target.pathAndQuery) { throw .repositoryGone }
        guard trash.isOn, !operation.isSafe else { return }
        guard operation.reading != .ambiguous, !context.target.pathBegins(with: "/api/repos/") else {
            throw .unclearDelete
        }
    }

    private func hideTrash() {
        let mayReadAll = observer != nil || scope?.readsAll ?? true
        context.entryFilter = PrivateEntryFilter(
            operation.listedKind, mayReadAll ? nil : scope, hidesTrash: true)
        // It is not the Hub's own list any more, so it is not shared.
        if context.permit == .relayed { context.permit = .filtered }
    }
}

extension RepoDeletion {
    /// Nil for a resource that is no repository, which cannot be moved.
    fileprivate init?(_ resource: HubResource) {
        guard let kind = resource.kind.flatMap({ RepoKind(rawValue: $0.name) }),
            resource.form == .repo || resource.form == .ownRepo,
            let id = try? RepoID(namespace: resource.owner.isEmpty ? nil : resource.owner, name: resource.name)
        else { return nil }
        self.init(kind: kind, id: id)
    }
}

extension Failure {
    fileprivate static var unclearDelete: Failure {
        Failure(
            .denied,
            detail:
                "This gateway keeps what is deleted for a time (delete_grace), and passes on no change of which it cannot tell whether it deletes a repository: the path can be read in more than one way, or is not known. Write it without needless escapes, capital letters, slashes and \"_method\"."
        )
    }
}
