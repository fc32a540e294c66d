import HTTP
import Hub

/// What would become of a request with a key, and why.
struct KeyExplanation {
    let isAllowed: Bool
    private let explanation: Explanation?
    private let reason: String?

    private init(refused reason: String) {
        isAllowed = false
        self.reason = reason
        explanation = nil
    }

    private init(_ explanation: Explanation) {
        self.explanation = explanation
        isAllowed = explanation.decision?.permit != nil
        reason = nil
    }

    static func explain(
        _ record: KeyRecord, _ roles: RoleBook, method: String, path: String, body: String?, now: Int64
    ) throws(SubcommandFailure) -> KeyExplanation {
        guard path.hasPrefix("/") else { throw .usage("the path has to begin with a slash") }
        if record.revoked != nil { return KeyExplanation(refused: "the key is revoked") }
        if let expires = record.expires, expires <= now { return KeyExplanation(refused: "the key has expired") }
        do {
            let scope = Scope(try record.grant.rules(roles))
            let target = try Target(path)
            let method = Method(rawValue: method)
            let origin: HubOperationRow.Origin = InferenceRoutes.contain(method, target) ? .router : .hub
            return KeyExplanation(Explanation(scope, method, target, body: body.map { Array($0.utf8) }, at: origin))
        } catch let error as RuleError {
            return KeyExplanation(refused: "\(error)")
        } catch {
            throw .usage("the path cannot be read: \(error)")
        }
    }

    var json: JSON {
        guard let explanation, case .object(let members) = explanation.json else {
            return ["allowed": .bool(false), "reason": .string(reason ?? "")]
        }
        return .object(members.merging(["allowed": .bool(isAllowed)]) { $1 })
    }

    var text: String { explanation?.text ?? "Refused: \(reason ?? "").\n" }
}
