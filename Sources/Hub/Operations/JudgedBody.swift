import HTTP

/// The JSON object of a request, read for what its rights depend on. It accepts only what every reader understands alike, and assumes the
/// larger right where a member is missing. A null counts as missing.
package struct JudgedBody {
    private let members: [String: JSON]

    /// The longest body that is judged, in bytes.
    package static let longest = 1 << 20
    private static let limits = JSONLimits(bytes: longest, depth: 32, values: 8192)
    private static let uncoded = CaselessWords(["identity"])
    private static let utf8 = CaselessWords(["utf-8", "\"utf-8\"", "utf8"])
    private static let json = CaselessWords(["application/json"])
    private static let lfs = CaselessWords(["application/json", "application/vnd.git-lfs+json"])

    private init(_ members: [String: JSON]) {
        self.members = members
    }

    /// An empty body has no members. Throws `unsupportedMediaType` for another type or coding, by which the Hub would read the bytes
    /// differently.
    init(_ headers: Headers, _ bytes: [UInt8], as body: HubBody) throws(Failure) {
        guard bytes.count <= Self.longest else { throw .tooLargeToJudge(limit: Self.longest) }
        guard !bytes.isEmpty else {
            members = [:]
            return
        }
        try Self.check(headers, types: body == .lfsBatch ? Self.lfs : Self.json)
        // RFC 8259 section 8.1: a byte order mark may be ignored, or be an error.
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]),
            case .object(let members) = try JSON.parse(bytes, within: Self.limits)
        else {
            throw .badRequest("The body must be a JSON object.")
        }
        self.members = members
    }

    /// Throws `unsupportedMediaType` unless there is one Content-Type of `types`, in UTF-8, and no coding.
    static func check(_ headers: Headers, types: CaselessWords) throws(Failure) {
        let accepted =
            types.contains("application/vnd.git-lfs+json".utf8.span)
            ? "application/vnd.git-lfs+json" : "application/json"
        guard headers.values(of: "Content-Type").count == 1, headers.isMediaType(among: types, suffix: "\u{0}") == true,
            !headers.contains("Content-Encoding") || headers.isEvery("Content-Encoding", among: uncoded),
            isUTF8(headers["Content-Type"] ?? "")
        else { throw .unsupportedMediaType(accepted: accepted + " in UTF-8, not compressed") }
    }

    /// Whether a body is declared as JSON, whatever else is declared.
    static func isJSON(_ headers: Headers) -> Bool {
        headers.mentions("json", in: "Content-Type") || !headers.contains("Content-Type")
    }

    /// Whether a reader that looks at the bytes alone could take it as an object.
    static func looksLikeObject(_ bytes: [UInt8]) -> Bool {
        // White space of any reader, and UTF-8's byte order mark.
        bytes.first { ![0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0xEF, 0xBB, 0xBF].contains($0) } == UInt8(ascii: "{")
    }

    static func isUTF8(_ type: String) -> Bool {
        type.split(separator: ";").dropFirst().allSatisfy { parameter in
            let parts = parameter.split(separator: "=", maxSplits: 1)
            let name = parts.first.map { Array(String($0).utf8.trimmingOWS()) } ?? []
            guard name.span.isCaselessly("charset".utf8.span) else { return true }
            let value = parts.count == 2 ? Array(String(parts[1]).utf8.trimmingOWS()) : []
            return utf8.contains(value.span)
        }
    }

    private func value(_ field: String) -> JSON? {
        guard let value = members[field], value != .null else { return nil }
        return value
    }

    func optionalString(_ field: String) throws(Failure) -> String? {
        guard let value = value(field) else { return nil }
        guard let text = value.stringValue else { throw .badField(field, "must be a string, was \(value.kindName)") }
        return text
    }

    func string(_ field: String) throws(Failure) -> String {
        guard let text = try optionalString(field) else { throw .badField(field, "must be a string, was missing") }
        return text
    }

    func flag(_ field: String) throws(Failure) -> Bool? {
        guard let value = value(field) else { return nil }
        guard case .bool(let flag) = value else {
            throw .badField(field, "must be true or false, was \(value.kindName)")
        }
        return flag
    }

    func optionalObject(_ field: String) throws(Failure) -> JudgedBody? {
        guard let value = value(field) else { return nil }
        guard case .object(let members) = value else {
            throw .badField(field, "must be an object, was \(value.kindName)")
        }
        return JudgedBody(members)
    }

    func object(_ field: String) throws(Failure) -> JudgedBody {
        guard let object = try optionalObject(field) else { throw .badField(field, "must be an object, was missing") }
        return object
    }

    /// Objects in an array; empty without one.
    func objects(_ field: String) throws(Failure) -> [JudgedBody] {
        guard let value = value(field) else { return [] }
        guard case .array(let elements) = value else {
            throw .badField(field, "must be an array, was \(value.kindName)")
        }
        var objects: [JudgedBody] = []
        for element in elements {
            guard case .object(let members) = element else { throw .badField(field, "must hold objects") }
            objects.append(JudgedBody(members))
        }
        return objects
    }

    /// Whether the member has a value: not null, false, zero, nor an empty text, array or object.
    func isSet(_ field: String) -> Bool {
        switch value(field) {
        case nil, .bool(false), .integer(0), .string(""), .array([]), .object([:]): false
        default: true
        }
    }
}

extension JudgedBody {
    /// A model where it is missing, as at the Hub.
    func kind(_ field: String) throws(Failure) -> ResourceKind {
        guard let text = try optionalString(field) else { return .model }
        guard let kind = ResourceKind(name: text) else {
            throw .badField(field, "must be one of \(ResourceKind.allCases.map(\.name).joined(separator: ", "))")
        }
        return kind
    }

    /// The repository that `type`, `organization` and `name` give; without an organisation it is the token's own.
    func named() throws(Failure) -> HubResource {
        let id = try RepoID(try string("name"))
        guard let owner = try optionalString("organization") else {
            return HubResource(kind: try kind("type"), ownedBy: id)
        }
        guard id.namespace == nil else { throw .badField("name", "must have no owner where \"organization\" is given") }
        return HubResource(
            kind: try kind("type"), ownedBy: try RepoID(namespace: owner, name: id.name, field: "organization"))
    }

    func fullName(_ field: String, _ kind: ResourceKind) throws(Failure) -> HubResource {
        let id = try RepoID(try string(field), field: field)
        guard id.namespace != nil else { throw .badField(field, "must be \"owner/name\"") }
        return HubResource(kind: kind, ownedBy: id)
    }

    /// The token's own where `namespace` is missing.
    func collectionOwner() throws(Failure) -> HubResource {
        guard let owner = try optionalString("namespace") else {
            return HubResource(.ownNamespace, nil, "", 0..<0, 0..<0)
        }
        return HubResource(namespace: try RepoID(namespace: nil, name: owner, field: "namespace").name).knowingOwn
    }

    func lfsOperation() throws(Failure) -> HubAction {
        switch try string("operation") {
        case "download": return .read
        case "upload": return .write
        default: throw .badField("operation", "must be \"download\" or \"upload\"")
        }
    }

    /// The right to publish `made`, if the body makes it public: by `private`, by `visibility`, or by any gate except one at which each request
    /// waits for its owner's consent. The Hub makes a repository public where the body does not say.
    func publishing(_ made: HubResource, unlessPrivate: Bool) throws(Failure) -> [HubNeed] {
        let visibility = try optionalString("visibility")
        let isPrivate = try flag("private")
        if let visibility, !["public", "private", "protected"].contains(visibility) {
            throw .badField("visibility", "must be \"public\", \"private\" or \"protected\"")
        }
        let saysPublic = isPrivate == false || visibility.map { $0 != "private" } ?? false
        let saysPrivate = !saysPublic && (isPrivate == true || visibility == "private")
        let opensGate = members["gated"].map { $0 != .string("manual") } ?? false
        return saysPublic || opensGate || unlessPrivate && !saysPrivate ? [HubNeed(.publish, made)] : []
    }

    /// The right to spend, if the body asks for hardware or storage that costs.
    func spending(_ made: HubResource) throws(Failure) -> [HubNeed] {
        let hardware = try optionalString("hardware") ?? "cpu-basic"
        let asksForMore = hardware != "cpu-basic" || isSet("storageTier") || isSet("storage") || isSet("devModeEnabled")
        return asksForMore ? [HubNeed(.spend, made)] : []
    }

    /// The rights to the repositories that `volumes` mount: a mount gives access to the content. Writing too, unless it is declared read-only.
    func mounted() throws(Failure) -> [HubNeed] {
        var needs: [HubNeed] = []
        for volume in try objects("volumes") {
            let source = try volume.fullName("source", try volume.kind("type"))
            needs.append(HubNeed(.read, source))
            if try volume.flag("readOnly") != true { needs.append(HubNeed(.write, source)) }
        }
        return needs
    }

    /// The rights for a job, and for the job in an order for a later one.
    func jobNeeds(_ owner: HubResource) throws(Failure) -> [HubNeed] {
        var needs: [HubNeed] = []
        for spec in [self, try optionalObject("jobSpec")].compactMap({ $0 }) {
            needs += try spec.mounted()
            if let space = try spec.optionalString("spaceId") {
                let id = try RepoID(space, field: "spaceId")
                needs.append(HubNeed(.read, HubResource(kind: .space, ownedBy: id)))
            }
            let ports = try spec.optionalObject("expose")
            if spec.isSet("portsPublic") || ports?.isSet("portsPublic") == true {
                needs.append(HubNeed(.publish, owner))
            }
        }
        return needs
    }
}
