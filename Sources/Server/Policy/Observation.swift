import HTTP
import Hub

/// One act of a key, in the words of the narrowest rule that allows it.
struct Observation: Sendable, Hashable {
    let action: HubAction
    /// Matches exactly this resource. Empty: a rule with the action is enough, whatever its pattern.
    let pattern: String

    /// For an act that only a rule for everything allows.
    static let inexpressible = "*"

    init(action: HubAction, pattern: String) {
        self.action = action
        self.pattern = pattern
    }

    /// Of the actions that are enough, the least one: the last in their order.
    init(_ need: HubNeed) {
        action = need.sufficient.elements.last ?? .other
        guard !need.notes.contains(.anyPattern) else {
            pattern = ""
            return
        }
        let text = Self.text(need.resource)
        let isRule = (try? Rule("\(action.name) \(text)")) != nil
        pattern = isRule && text != "public" ? text : Self.inexpressible
    }

    private static func text(_ resource: HubResource) -> String {
        let kind = resource.kind.map { $0.name + ":" } ?? ""
        return switch resource.form {
        case .none: inexpressible
        case .namespace: resource.owner + "/*"
        case .repo: kind + (resource.owner.isEmpty ? "" : resource.owner + "/") + resource.name
        case .ownRepo: kind + "*/" + resource.name
        case .ownNamespace: "*/*"
        case .model: resource.name.isEmpty ? inexpressible : "model:" + resource.name
        }
    }
}
