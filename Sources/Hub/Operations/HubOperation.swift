package import HTTP

/// What a request does at the Hub, and on which resource, by its method and target. `HubNeed` has what a body adds.
package struct HubOperation: Sendable {
    /// How well the target was understood.
    package enum Reading: Sendable, Equatable {
        /// The number of its row in `HubOperationsTable.all`.
        case row(Int)
        /// Plainly written, and in no row.
        case unknown
        /// Written in a way that another reader could take as another path: an escape, a slash or a capital letter in an unusual place.
        case ambiguous
    }

    package let reading: Reading
    package let action: HubAction
    /// Any one of these is enough; `action` is among them.
    package let sufficient: HubActions
    package let resource: HubResource
    package let notes: HubOperationRow.Notes
    package let body: HubBody?
    /// Whether the method is safe, and the query asks for no other method.
    package let isSafe: Bool

    private static let hub = OperationTree(HubOperationsTable.all, at: .hub)
    private static let router = OperationTree(HubOperationsTable.all, at: .router)
    private static let rows = HubOperationsTable.all

    package var row: HubOperationRow? {
        guard case .row(let index) = reading else { return nil }
        return Self.rows[index]
    }

    /// The kind of the entries in a list that is filtered: the path tells it, and names no resource.
    package var listedKind: ResourceKind? {
        guard notes.contains(.filtered), let row else { return nil }
        return ResourceKind.allCases.first { row.path == "/api/\($0.path)" }
    }

    /// Finds the operation. `target` is as it will be sent, without the gateway's own base path.
    package static func find(
        _ method: Method, _ target: Target, at origin: HubOperationRow.Origin = .hub
    ) -> HubOperation {
        let tree = origin == .hub ? hub : router
        let path = target.pathAndQuery.utf8.span.extracting(first: target.pathLength)
        let query = OperationQuery(target)
        guard !query.overridesMethod, let match = tree.match(path) else {
            return unmatched(method, target, path, tree, query)
        }
        guard let end = tree.end(method, in: match.ends) else {
            return HubOperation(unknown: method, match.resource(target, tree.ends[match.ends.lowerBound].kind))
        }
        return HubOperation(method, end.row, rows[end.row], resource(of: rows[end.row], target, match, end.kind), query)
    }

    private static func resource(
        of row: HubOperationRow, _ target: Target, _ match: OperationTree.Match, _ kind: ResourceKind?
    ) -> HubResource {
        if row.notes.contains(.tokenOwner) { return .none }
        if row.notes.contains(.modelInPath) { return InferencePath.model(target) }
        if row.action == .infer, !match.name.isEmpty {
            return HubResource(
                .model, .model, target.pathAndQuery, 0..<0, match.owner.lowerBound..<match.name.upperBound)
        }
        return match.resource(target, kind)
    }

    private init(
        _ method: Method, _ index: Int, _ row: HubOperationRow, _ resource: HubResource, _ query: OperationQuery
    ) {
        reading = .row(index)
        notes = row.notes
        body = row.body
        isSafe = method.isSafe
        self.resource = resource
        if notes.contains(.gitService), query.service != .uploadPack {
            (action, sufficient) = (.write, HubActions(.write))
        } else if notes.contains(.discussSuffices) || notes.contains(.pullRequest) && query.createsPullRequest {
            (action, sufficient) = (row.action, [HubActions(row.action), HubActions(.discuss)])
        } else {
            (action, sufficient) = (row.action, HubActions(row.action))
        }
    }

    private init(_ reading: Reading, _ method: Method, _ resource: HubResource, isOverridden: Bool = false) {
        self.reading = reading
        (action, sufficient) = (.other, HubActions(.other))
        self.resource = resource
        notes = []
        body = nil
        isSafe = method.isSafe && !isOverridden
    }

    private init(unknown method: Method, _ resource: HubResource) { self.init(.unknown, method, resource) }

    private static func unmatched(
        _ method: Method, _ target: Target, _ path: Span<UInt8>, _ tree: OperationTree, _ query: OperationQuery
    ) -> HubOperation {
        guard !query.overridesMethod, PathSpelling.isPlain(path), !PathSpelling.meansAnother(path, in: tree) else {
            return HubOperation(.ambiguous, method, .none, isOverridden: query.overridesMethod)
        }
        return HubOperation(unknown: method, PathSpelling.resource(of: target))
    }
}

extension OperationTree.Match {
    /// The resource that the names in the path give; none without one.
    func resource(_ target: Target, _ kind: ResourceKind?) -> HubResource {
        if !name.isEmpty { return HubResource(.repo, kind, target.pathAndQuery, owner, name).knowingOwn }
        if !namespace.isEmpty { return HubResource(.namespace, nil, target.pathAndQuery, namespace, 0..<0).knowingOwn }
        return .none
    }
}
