import HTTP
import Hub

/// Whether a request may be made.
enum AccessDecision: Sendable {
    case allow(Permit)
    case refuse(AccessRefusal)

    var permit: Permit? {
        guard case .allow(let permit) = self else { return nil }
        return permit
    }

    var refusal: AccessRefusal? {
        guard case .refuse(let refusal) = self else { return nil }
        return refusal
    }
}

/// How an allowed request is to be made.
struct Permit: Sendable, Equatable {
    enum Response: Sendable {
        /// The Hub's own response.
        case relayed
        /// The Hub's list without private entries that the scope may not read.
        case filtered
        /// `KeyAccountView`.
        case account
        /// Whether the scope allows to write to the resource: 200, or the refusal.
        case writeAccess
    }

    /// The number of the rule in the scope; nil where every key is allowed.
    let rule: Int?
    /// The Hub is asked without the upstream credential, so that it gives public content only.
    let withoutCredential: Bool
    let response: Response
}

/// Why a request is refused, and what the client is told.
struct AccessRefusal: Error, Sendable, Equatable {
    enum Reason: Sendable, Equatable {
        case noRule
        /// The number of the rule in the scope.
        case denied(Int)
        /// Only public content may be read, and this request would use the credential.
        case publicOnly
        /// The target can be read in more than one way.
        case ambiguous
        /// The gateway handles this itself where it has keys.
        case notRelayed
    }

    let action: HubAction
    let resource: HubResource
    let reason: Reason
    /// Whether the key may not even read it: then the response is the Hub's for a repository that does not exist.
    let looksAbsent: Bool

    /// 404 or 403.
    var status: Status { looksAbsent ? .notFound : .forbidden }

    /// `X-Error-Code`; the Hub's own for a repository that does not exist, else nil.
    var code: String? { looksAbsent ? "RepoNotFound" : nil }

    /// `X-Error-Message`: the Hub's for a repository that does not exist, else the missing action and the resource. It never quotes a rule: one that
    /// denies may name what the key's holder need not know.
    var message: String {
        if looksAbsent { return "Repository not found" }
        switch reason {
        case .ambiguous:
            return
                "This gateway key may not ask for a path that can be read in more than one way. Write it without needless escapes, capital letters, slashes and \"_method\"."
        case .notRelayed:
            return "This gateway does not pass logins and forms of the account on: its keys are made by its operator."
        default: break
        }
        let what = resource.form == .none ? "" : " on \(resource)"
        return "No rule of this gateway key allows \"\(action.name)\"\(what). Ask the operator of the gateway for it."
    }
}
