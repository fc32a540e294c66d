import HTTP
import Hub

/// Whether a request with a key would be allowed, and why.
struct KeyExplanation {
    /// By the key's rules, whether they are enforced or not.
    let isAllowed: Bool
    /// The key's policy is shadow.
    private var isShadow = false
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
    ) throws(KeyFieldFault) -> KeyExplanation {
        // What was asked has to make sense first, whatever the key is.
        let explanation = try explain(record.grant, roles, method: method, path: path, body: body)
        if record.revoked != nil { return KeyExplanation(refused: "the key is revoked") }
        if let expires = record.expires, expires <= now { return KeyExplanation(refused: "the key has expired") }
        return explanation
    }

    /// The same for a key that does not exist yet.
    static func explain(
        _ grant: KeyGrant, _ roles: RoleBook, method: String, path: String, body: String?
    ) throws(KeyFieldFault) -> KeyExplanation {
        let known: [Method] = [.get, .head, .post, .put, .patch, .delete]
        if let meant = known.first(where: { $0.rawValue == method.uppercased() }), meant.rawValue != method {
            throw KeyFieldFault(reason: "a method is written in capitals: \(meant.rawValue)")
        }
        guard path.hasPrefix("/") else { throw KeyFieldFault(reason: "the path has to begin with a slash") }
        do {
            let scope = Scope(try grant.rules(roles))
            let target = try Target(path)
            let method = Method(rawValue: method)
            let origin: HubOperationRow.Origin = InferenceRoutes.contain(method, target) ? .router : .hub
            var answer = KeyExplanation(
                Explanation(scope, method, target, body: body.map { Array($0.utf8) }, at: origin))
            answer.isShadow = grant.policy == KeyPolicy.shadow.rawValue
            return answer
        } catch let error as RuleError {
            return KeyExplanation(refused: "\(error)")
        } catch {
            throw KeyFieldFault(reason: "the path cannot be read: \(error)")
        }
    }

    var json: JSON {
        guard let explanation, case .object(let members) = explanation.json else {
            return ["allowed": .bool(false), "reason": .string(reason ?? "")]
        }
        let policy: [String: JSON] = isShadow ? ["policy": .string(Self.ofShadow)] : [:]
        return .object(members.merging(["allowed": .bool(isAllowed)]) { $1 }.merging(policy) { $1 })
    }

    var text: String {
        guard let explanation else { return "Refused: \(reason ?? "").\n" }
        return explanation.text + (isShadow ? Self.line(ofPolicy: Self.ofShadow) : "")
    }

    /// The same as `text`, from another gateway's response.
    static func text(of json: JSON) -> String {
        if let reason = json["reason"]?.stringValue { return "Refused: \(reason).\n" }
        return Explanation.text { name in json[name]?.stringValue }
            + (json["policy"]?.stringValue.map(line(ofPolicy:)) ?? "")
    }

    private static func line(ofPolicy policy: String) -> String { "policy      \(policy)\n" }

    private static let ofShadow = "shadow: the key's rules refuse nothing, and what they would refuse is recorded"
}
