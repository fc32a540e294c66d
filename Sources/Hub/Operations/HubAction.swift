/// What a request does at the Hub, as far as rights distinguish it.
package enum HubAction: UInt8, CaseIterable, Sendable {
    /// Contents and metadata of one repository.
    case read
    /// Lists, tags, papers, documents: content of no single repository.
    case search
    /// What belongs to the owner of the token: webhooks, likes, collections, notifications.
    case account
    /// Calling a model. Costs money.
    case infer
    /// Commits, branches, tags, uploads.
    case write
    /// Pull requests, discussions, comments.
    case discuss
    case create
    case delete
    /// Renaming and transferring; needed for both names.
    case move
    /// Visibility without publishing, secrets, variables, access requests.
    case settings
    /// Everything that makes something public; needed in addition to `create` or `settings`.
    case publish
    /// Jobs, hardware, storage: costs money.
    case spend
    /// Operations that the table does not know.
    case other

    /// Printing a case's name takes thousands of instructions: done once for each.
    private static let names = allCases.map { "\($0)" }

    package var name: String { Self.names[Int(rawValue)] }

    package init?(name: some StringProtocol) {
        guard let action = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = action
    }
}

/// A set of actions.
package struct HubActions: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package init(_ action: HubAction) { rawValue = 1 << UInt16(action.rawValue) }

    package static let none: HubActions = []
    package static let all = HubActions(rawValue: 1 << UInt16(HubAction.allCases.count) - 1)

    package func contains(_ action: HubAction) -> Bool { contains(HubActions(action)) }

    /// In the order of the enumeration.
    package var elements: [HubAction] { HubAction.allCases.filter { contains($0) } }

    /// `read,search`
    package var names: String { elements.map(\.name).joined(separator: ",") }
}
