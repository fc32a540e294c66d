package import HTTP

/// Looks at a repository before it is moved or deleted: `GET /api/{models,datasets,spaces}/{namespace}/{name}`. A former name is refused.
package struct RepoInspection: HubCall, Equatable {
    /// What the Hub tells about it.
    package struct Facts: Sendable, Equatable {
        /// The Hub's `_id`, which stays when the name changes; nil where it does not say.
        package let serial: String?
        /// The name in the Hub's spelling; nil where it does not say.
        package let id: RepoID?
        package let isPrivate: Bool?

        package init(serial: String?, id: RepoID?, isPrivate: Bool?) {
            self.serial = serial
            self.id = id
            self.isPrivate = isPrivate
        }
    }

    package let kind: RepoKind
    package let id: RepoID

    package init(kind: RepoKind, id: RepoID) {
        self.kind = kind
        self.id = id
    }

    package var method: Method { .get }
    package var path: String { RepoLookup(kind: kind, id: id).path }
    package var limits: JSONLimits { .account }

    package func read(_ body: [UInt8]) throws(Failure) -> Facts {
        guard case .object(let members)? = try? JSON.parse(body, within: limits) else {
            throw .hubBroken("what it says of a repository is no JSON object")
        }
        var isPrivate: Bool?
        if case .bool(let flag) = members["private"] { isPrivate = flag }
        let serial = members["_id"]?.stringValue.flatMap { (1...Self.longestSerial).contains($0.utf8.count) ? $0 : nil }
        return Facts(
            serial: serial, id: members["id"]?.stringValue.flatMap { try? RepoID($0) }, isPrivate: isPrivate)
    }

    private static let longestSerial = 64
}
