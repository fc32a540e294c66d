package import HTTP
package import Hub

/// The JSON object of a call. Each accessor refuses values that the Hub does not accept literally: a `private` of "true" is
/// no boolean. A field that no accessor asks for is ignored.
package struct SandboxBody {
    private let members: [String: JSON]

    /// The most bytes it reads. The Hub's own limit is not known.
    package static let longest = 1 << 20

    /// Throws 413 for a body that is too long, 400 for one that is not a JSON object in JSON's media type.
    package init(_ request: Request, types: [String] = ["application/json"]) throws(SandboxRefusal) {
        guard request.body.count <= Self.longest else { throw .tooLarge }
        guard let type = request.headers.mediaType, types.contains(type) else {
            throw .badRequest("The body must be \(types[0])")
        }
        guard case .object(let members)? = try? JSON.parse(request.body, within: .sandbox) else {
            throw .badRequest("The body must be a JSON object")
        }
        self.members = members
    }

    /// An object inside a body.
    package init(_ value: JSON?, named name: String) throws(SandboxRefusal) {
        guard case .object(let members)? = value else { throw .badRequest("\"\(name)\" must be an object") }
        self.members = members
    }

    package func string(_ field: String) throws(SandboxRefusal) -> String {
        guard let text = try optionalString(field) else { throw .badRequest("\"\(field)\" is required") }
        return text
    }

    package func optionalString(_ field: String) throws(SandboxRefusal) -> String? {
        guard let value = members[field] else { return nil }
        guard let text = value.stringValue else { throw .badRequest("\"\(field)\" must be a string") }
        return text
    }

    /// A null counts as missing: the Hub's clients have always sent `"organization": null`.
    package func nullableString(_ field: String) throws(SandboxRefusal) -> String? {
        members[field] == .null ? nil : try optionalString(field)
    }

    /// A null counts as missing, as clients before 0.8 sent it for `private`.
    package func optionalFlag(_ field: String) throws(SandboxRefusal) -> Bool? {
        switch members[field] {
        case nil, .null: return nil
        case .bool(let flag): return flag
        default: throw .badRequest("\"\(field)\" must be a boolean")
        }
    }

    package func number(_ field: String) throws(SandboxRefusal) -> Int {
        guard case .integer(let number)? = members[field], number >= 0, number <= Int32.max else {
            throw .badRequest("\"\(field)\" must be a number that is not negative")
        }
        return Int(number)
    }

    package func object(_ field: String) throws(SandboxRefusal) -> SandboxBody {
        try SandboxBody(members[field], named: field)
    }

    /// Objects in an array; empty without one.
    package func objects(_ field: String, atMost most: Int) throws(SandboxRefusal) -> [SandboxBody] {
        guard let value = members[field] else { return [] }
        guard case .array(let elements) = value else { throw .badRequest("\"\(field)\" must be an array") }
        guard elements.count <= most else { throw .badRequest("\"\(field)\" must have at most \(most) items") }
        var objects: [SandboxBody] = []
        for element in elements { objects.append(try SandboxBody(element, named: field)) }
        return objects
    }

    /// Strings in an array; empty without one.
    package func strings(_ field: String) throws(SandboxRefusal) -> [String] {
        guard let value = members[field] else { return [] }
        guard case .array(let elements) = value else { throw .badRequest("\"\(field)\" must be an array") }
        return elements.compactMap(\.stringValue)
    }

    /// One of the enumeration's words; nil without one.
    package func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ field: String, of _: Choice.Type
    ) throws(SandboxRefusal) -> Choice? {
        guard let value = members[field] else { return nil }
        guard let choice = value.stringValue.flatMap(Choice.init(rawValue:)) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest("\"\(field)\" must be one of [\(words)]")
        }
        return choice
    }

    /// Its visibility, by the newer `visibility` or the older `private`; nil where the body has neither.
    /// Throws 400 if they contradict each other, and for `protected` unless it is a space.
    package func visibility(of kind: RepoKind) throws(SandboxRefusal) -> SandboxRepo.Visibility? {
        let isPrivate = try optionalFlag("private")
        guard let visibility = try choice("visibility", of: SandboxRepo.Visibility.self) else {
            return isPrivate.map { $0 ? .private : .public }
        }
        guard visibility != .protected || kind == .space else {
            throw .badRequest("\"visibility\" must be one of [public, private]")
        }
        guard isPrivate == nil || isPrivate == (visibility == .private) else {
            throw .badRequest("\"private\" contradicts \"visibility\"")
        }
        return visibility
    }

    /// `false` (no gate) or the kind of gate; nil where the body has no `gated`.
    package func gate() throws(SandboxRefusal) -> SandboxRepo.Gate? {
        switch members["gated"] {
        case nil: return nil
        case .bool(false): return SandboxRepo.Gate.none
        case "auto": return .auto
        case "manual": return .manual
        default: throw .badRequest("\"gated\" must be one of [auto, manual, false]")
        }
    }
}

extension JSONLimits {
    /// The bodies of clients: a commit names up to 25,000 files, and has the content of small ones.
    package static let sandbox = JSONLimits(bytes: .max, depth: 64, values: 500_000)
}
