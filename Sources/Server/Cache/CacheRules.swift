import EventIO
import HTTP
import Hub

/// Which responses are stored, and for how long they are good (RFC 9111 sections 3 and 4, and what the Hub's names mean).
enum CacheRules {
    /// How long a response is what the Hub would say.
    enum Lifetime: Equatable {
        /// Its URL names a commit, and it holds content of that commit alone.
        case immutable
        /// For `metadata_ttl`.
        case moving
    }

    /// Fields that ask for a part, or whose response depends on the page that asks.
    private static let ofItsOwn = CaselessWords(["Range", "If-Range", "If-Match", "If-Unmodified-Since", "Origin"])
    /// Query parameters that add what is known about a commit's files, and that changes later.
    private static let changingQueries = ["expand", "securityStatus", "lastCommit"]
    private static let beforeRevision = ["tree", "resolve", "raw"]

    /// Whether a response to this may be stored at all, or come from the store.
    static func concerns(_ request: Request, _ target: Target, hasBody: Bool) -> Bool {
        guard !hasBody, request.method == .get || request.method == .head,
            target.pathBegins(with: "/api/") || target.pathContains("/resolve/")
        else { return false }
        // The Hub cannot have chosen a response by fields that it does not get.
        return !request.headers.contains(anyOf: ofItsOwn) && !request.headers.withholdsFields
    }

    /// How long a response to the operation is good, by the table of operations; nil where it is not stored.
    static func lifetime(_ operation: HubOperation, _ target: Target) -> Lifetime? {
        guard operation.row != nil, operation.isSafe, operation.action == .read || operation.action == .search,
            operation.notes.isDisjoint(with: [.unshared, .ofScope]),
            operation.resource.form == .repo || operation.resource.form == .none,
            !target.pathAndQuery.contains("cursor=")
        else { return nil }
        guard operation.notes.contains(.ofCommit) else { return .moving }
        let changes = changingQueries.contains { target.pathAndQuery.contains($0) }
        return !changes && namesCommit(target) ? .immutable : .moving
    }

    /// Whether the revision in the path is a commit's whole hash.
    static func namesCommit(_ target: Target) -> Bool {
        var previous: Substring = ""
        for (index, segment) in target.path.split(separator: "/", maxSplits: 12).enumerated() {
            // `/api/resolve-cache/models/owner/name/REVISION/…`
            if index == 5, target.pathBegins(with: "/api/resolve-cache/") { return isCommit(segment) }
            if beforeRevision.contains(String(previous)) { return isCommit(segment) }
            previous = segment
        }
        return false
    }

    private static func isCommit(_ segment: Substring) -> Bool {
        segment.utf8.count == 40
            && segment.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Whether a response's head, from the Hub or a store, allows to store the response. `isShared`: the partition is more than one account.
    static func allows(_ head: Transfer.Head, isShared: Bool) -> Bool {
        guard !head.headers.contains("Set-Cookie") else { return false }
        let directives = CacheDirectives(response: head.headers)
        return !directives.noStore && !(directives.isPrivate && isShared)
    }

    /// Whether the response to the client may be stored: content, a file that does not exist, or a redirect from a former name.
    static func keeps(_ status: Status, _ headers: Headers) -> Bool {
        switch status.code {
        case 200: true
        case 301, 302, 307, 308: headers["Location"].map { !$0.contains(anyOf: signed) } ?? false
        case 404: headers["X-Error-Code"] == "EntryNotFound"
        default: false
        }
    }

    /// Signed addresses are below it: they expire, and are made for one client.
    static let signed: PathParts = ["/-/signed/"]
}
