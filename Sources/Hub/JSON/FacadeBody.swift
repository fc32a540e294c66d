import HTTP

/// The JSON object of a facade request: each accessor throws `badRequest` naming the field, the rule and the value's type.
/// A null counts as missing, as the Hub's own client sends `"organization": null`.
package struct FacadeBody {
    private let members: [String: JSON]

    package init(_ json: JSON) throws(Failure) {
        guard case .object(let members) = json else {
            throw .badRequest("The body must be a JSON object, was \(json.kindName).")
        }
        self.members = members
    }

    /// The value of `field`; nil if it is missing or null.
    private func value(_ field: String) -> JSON? {
        guard let value = members[field], value != .null else { return nil }
        return value
    }

    private func absence(_ field: String) -> String { members[field] == nil ? "was missing" : "was null" }

    package func optionalString(_ field: String) throws(Failure) -> String? {
        guard let value = value(field) else { return nil }
        guard let text = value.stringValue else { throw .badField(field, "must be a string, was \(value.kindName)") }
        return text
    }

    package func string(_ field: String) throws(Failure) -> String {
        guard let text = try optionalString(field) else {
            throw .badField(field, "must be a string, \(absence(field))")
        }
        return text
    }

    /// A boolean, or the text of one: the original facade's users send `"true"`.
    package func flag(_ field: String) throws(Failure) -> Bool {
        switch value(field) {
        case .bool(let flag): return flag
        case "true": return true
        case "false": return false
        case nil: throw .badField(field, "must be true or false, \(absence(field))")
        case .string: throw .badField(field, "must be true or false, was another string")
        case let other?: throw .badField(field, "must be true or false, was \(other.kindName)")
        }
    }

    /// The same for a member that may be missing.
    package func optionalFlag(_ field: String) throws(Failure) -> Bool? {
        value(field) == nil ? nil : try flag(field)
    }

    package func repoKind() throws(Failure) -> RepoKind {
        let rule = "must be \"model\", \"dataset\" or \"space\""
        guard let value = value("type") else { throw .badField("type", "\(rule), \(absence("type"))") }
        guard let text = value.stringValue else { throw .badField("type", "\(rule), was \(value.kindName)") }
        guard let kind = RepoKind(facade: text) else { throw .badField("type", "\(rule), was another string") }
        return kind
    }

    /// `name` as `name` or `owner/name`, with or without `organization`, which must then be the same owner.
    package func repoID() throws(Failure) -> RepoID {
        let id = try RepoID(string("name"))
        guard let organization = try optionalString("organization") else { return id }
        guard id.namespace == nil || id.namespace == organization else {
            throw .badField("organization", "differs from the owner in \"name\"; leave one out")
        }
        return try RepoID(namespace: organization, name: id.name, field: "organization")
    }
}
