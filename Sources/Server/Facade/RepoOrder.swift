import HTTP
import Hub

/// A call of the Hub's that a JSON body of the facade can order.
protocol FacadeCall: HubCall {
    init(facade json: JSON) throws(Failure)
    var kind: RepoKind { get }
    var id: RepoID { get }
    /// The rights that it takes; `account` is the owner of the token, where it is known.
    func needs(account: String?) -> [HubNeed]
    /// What the caller may accept as done; nil: nothing.
    static var tolerance: Tolerance? { get }
    /// What the call would do, given what was `found`.
    func effect(_ found: RepoState) -> RepoEffect
}

/// A refusal of the Hub's which says that the repository already is as ordered.
struct Tolerance: Sendable {
    /// The member of the body by which the caller accepts it.
    let field: String
    /// The status of the Hub's refusal.
    let status: Status
    /// The member of the response that says whether something was done.
    let done: String
    /// Ends a sentence that begins with the repository's name.
    let clause: String

    /// Whether the Hub has said so, and nothing else with the same status.
    func covers(_ failure: Failure) -> Bool {
        guard case .hubAnswered(let refusal) = failure.kind, refusal.status == status else { return false }
        return status != .notFound || refusal.code == nil || refusal.code == "RepoNotFound"
    }
}

/// An order as its body gives it.
struct RepoOrder<Call: FacadeCall>: Sendable {
    let call: Call
    /// The caller accepts that the repository already is as ordered.
    let isTolerant: Bool

    init(facade json: JSON) throws(Failure) {
        call = try Call(facade: json)
        guard let tolerance = Call.tolerance else {
            isTolerant = false
            return
        }
        isTolerant = try FacadeBody(json).optionalFlag(tolerance.field) ?? false
    }
}

/// Whether a repository is there, as far as the token may see.
enum RepoState: Sendable, Equatable {
    case absent
    /// Nil: the Hub does not say whether it is private.
    case there(isPrivate: Bool?)
}

/// What an order would do.
enum RepoEffect: String, Sendable {
    case create, delete
    case makePrivate = "make private"
    case makePublic = "make public"
    /// The repository already is as ordered.
    case nothing
    /// The Hub would refuse it: it is there already, or not there.
    case conflict, absent
}

extension RepoCreation: FacadeCall {
    static let tolerance: Tolerance? = Tolerance(
        field: "exist_ok", status: .conflict, done: "created", clause: "exists already, and stays as it is.")

    func effect(_ found: RepoState) -> RepoEffect { found == .absent ? .create : .conflict }
}

extension RepoUpdate: FacadeCall {
    static let tolerance: Tolerance? = nil

    func effect(_ found: RepoState) -> RepoEffect {
        guard case .there(let isNow) = found else { return .absent }
        return isNow == isPrivate ? .nothing : isPrivate ? .makePrivate : .makePublic
    }
}

extension RepoDeletion: FacadeCall {
    static let tolerance: Tolerance? = Tolerance(
        field: "missing_ok", status: .notFound, done: "deleted", clause: "is not there: nothing was deleted.")

    func effect(_ found: RepoState) -> RepoEffect { found == .absent ? .absent : .delete }
}
