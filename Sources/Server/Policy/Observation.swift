import HTTP
import Hub

/// One thing that a key did, in the words of a rule that allows it and as little else as can be.
struct Observation: Sendable, Hashable {
    let action: HubAction
    /// Of exactly this resource. Empty: a rule with the action suffices, whatever its pattern.
    let pattern: String

    /// Stands for what no rule allows but one for everything.
    static let inexpressible = "*"

    init(action: HubAction, pattern: String) {
        self.action = action
        self.pattern = pattern
    }

    /// Of the actions that suffice, the least one: the last in their order.
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
