import EventIO
import HTTP
import Hub

/// Finds out what an order would do. The Hub is only read, by GET.
@EventLoop
struct DryRun {
    let services: RepoServices

    func result<Call: FacadeCall>(
        _ order: RepoOrder<Call>, _ request: Request, _ context: RequestContext
    ) async throws(Failure) -> RepoResult {
        let needs = order.call.needs(account: nil)
        let unconfirmed = services.protection.unconfirmed(needs, request.headers)
        var facts: [String: JSON] = [
            "dry_run": true, "type": .string(order.call.kind.apiName), "name": .string(order.call.id.text),
            "protected": .bool(needs.contains { services.protection.concerns($0) }),
            "confirmed": .bool(unconfirmed.isEmpty), "exists": .null, "private": .null, "token": .null, "key": .null,
        ]
        if order.call is RepoDeletion, let trash = services.removal.trash, trash.isInUse {
            facts["restorable"] = .bool(trash.isOn && !TrashName.isReserved(order.call.id.name))
        }
        if let key = context.principal.key {
            let refusal = services.identification.isShadow(key) ? nil : key.grant.scope.decide(needs).refusal
            facts["key"] = ["may": .bool(refusal == nil), "reason": refusal.map { .string($0.message) } ?? .null]
            // A caller without the right to the repository is not told whether it exists.
            if let refusal { return Self.result(.refused(refusal.status, refusal.message), facts) }
        }
        let rights = try TokenRights(account: try await services.account.whoAmI(context))
        let owner = order.call.id.namespace ?? rights.name
        let id = try RepoID(namespace: owner, name: order.call.id.name)
        let (may, reason) = rights.mayChange(owner)
        let found = try await look(RepoLookup(kind: order.call.kind, id: id), context)
        facts["name"] = .string(id.text)
        facts["token"] = ["may": may.map { .bool($0) } ?? .null, "reason": .string(reason)]
        switch found {
        case .absent: facts["exists"] = false
        case .there(let isPrivate):
            facts["exists"] = true
            facts["private"] = isPrivate.map { .bool($0) } ?? .null
        case nil: break
        }
        if let need = unconfirmed.first {
            return Self.result(.refused(.forbidden, "\(need.resource) is protected, and not confirmed"), facts)
        }
        if may == false { return Self.result(.refused(.forbidden, reason), facts) }
        return Self.result(found.map { Self.outcome(order, $0) } ?? .unknown, facts)
    }

    /// Nil where the Hub does not tell, as for a repository with a new name.
    private func look(_ call: RepoLookup, _ context: RequestContext) async throws(Failure) -> RepoState? {
        do throws(Failure) {
            return .there(isPrivate: try await services.hub.send(call, context))
        } catch {
            guard case .hubAnswered(let refusal) = error.kind else { throw error }
            switch refusal.status.code {
            case 404: return .absent
            case 401, 403, 300..<400: return nil
            default: throw error
            }
        }
    }

    private static func outcome<Call: FacadeCall>(_ order: RepoOrder<Call>, _ found: RepoState) -> Outcome {
        let effect = order.call.effect(found)
        switch effect {
        case .conflict: return order.isTolerant ? .effect(.nothing) : .refused(.conflict, "it exists already")
        case .absent: return order.isTolerant ? .effect(.nothing) : .refused(.notFound, "it is not there")
        default: return .effect(effect)
        }
    }

    private enum Outcome {
        case effect(RepoEffect)
        case refused(Status, String)
        case unknown
    }

    private static func result(_ outcome: Outcome, _ facts: [String: JSON]) -> RepoResult {
        var facts = facts
        let name = facts["name"]?.stringValue ?? ""
        let message: String
        switch outcome {
        case .effect(let effect):
            (facts["would"], facts["status"]) = (.string(effect.rawValue), 200)
            message = effect == .nothing ? "would change nothing" : "would \(effect.rawValue) \(name)"
        case .refused(let status, let reason):
            (facts["would"], facts["status"]) = ("be refused", .integer(Int64(status.code)))
            message = "would be refused with \(status.code): \(reason)"
        case .unknown:
            (facts["would"], facts["status"]) = (.null, .null)
            message = "only the Hub knows what would happen: it does not show \(name) to this token under that name"
        }
        return RepoResult(
            "Dry run: this \(message.hasSuffix(".") ? String(message.dropLast()) : message). Nothing was done.", facts)
    }
}
