import EventIO
import HTTP
import Hub

/// What the admin API works with.
@EventLoop
struct AdminServices {
    let access: AdminAccess
    let settings: Settings
    let state: AdminState
    let identification: Identification
    let roles: RoleBook
    let tracker: RequestTracker?
    let metrics: Metrics
    let drainState: DrainState
    let hubProbe: HubProbe
    let resources: AdminResources
    let bodyBounds: BodyBounds

    static let longestBody = 64 << 10
    private static let limits = JSONLimits(bytes: longestBody, depth: 5, values: 1024, string: 8192)

    /// Asks the state process as the caller.
    func ask(
        _ act: AdminOrder.Act, _ arguments: JSON, by caller: AdminCaller, _ context: RequestContext
    ) async throws(Failure) -> AdminAnswer {
        guard let proof = caller.proof, case .object(var members) = arguments else { throw .stateSilent }
        if !act.isRead { members["request_id"] = .string(context.id.description) }
        let answer = try await state.ask(
            AdminOrder(proof: proof, address: context.address, act: act, arguments: .object(members)))
        switch answer.outcome {
        case .done: return answer
        // The key was revoked after it was checked here.
        case .noAdministrator: throw .notSignedIn
        case .notThere: throw .notFound("such key")
        case .nameTaken: throw Self.conflict("There is a key of that name already: take another, or revoke that one.")
        case .revoked: throw Self.conflict("This key is revoked, and stays so: make another.")
        case .useless: throw Self.uselessKey
        case .malformed, .unavailable:
            throw .internalError("the state process did not understand an administrator's order")
        }
    }

    /// Audits an order that changes nothing in the state, before it is carried out. Without a state process there is no audit.
    func note(_ event: String, _ detail: String?, by caller: AdminCaller, _ context: RequestContext)
        async throws(Failure)
    {
        guard caller.proof != nil else { return }
        var arguments: [String: JSON] = ["event": .string(event)]
        if let detail { arguments["detail"] = .string(detail) }
        _ = try await ask(.note, .object(arguments), by: caller, context)
    }

    static let uselessKey = Failure.badRequest(
        "A key needs a role, or rules that allow something in allow.")

    private static func conflict(_ sentence: String) -> Failure {
        Failure(.declined(.keyConflict), detail: sentence)
    }

    /// The body, which has to be a JSON object with no members but these.
    func object(_ exchange: Exchange, members: [String]) async throws(Failure) -> [String: JSON] {
        guard exchange.request.headers.mediaType == "application/json" else {
            throw .unsupportedMediaType(accepted: "application/json")
        }
        let body = try await exchange.wholeBody(within: bodyBounds)
        guard case .object(let found) = try JSON.parse(body, within: Self.limits) else {
            throw .badRequest("The body has to be a JSON object.")
        }
        if let unknown = found.keys.sorted().first(where: { !members.contains($0) }) {
            throw .badField(String(unknown.prefix(40)), "is not known here; known: \(members.joined(separator: ", "))")
        }
        return found
    }

    /// The members of the query; any that is not the route's is refused.
    static func query(_ target: Target, _ route: AdminRoute) throws(Failure) -> [String: String] {
        guard let query = target.query, !query.isEmpty else { return [:] }
        let known = route.query.map(\.name)
        var found: [String: String] = [:]
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = text(parts[0])
            guard known.contains(name) else {
                throw .badRequest(
                    known.isEmpty
                        ? "This takes no query."
                        : "The query has a member that is not known; known: \(known.joined(separator: ", ")).")
            }
            guard found.updateValue(parts.count > 1 ? text(parts[1]) : "", forKey: name) == nil else {
                throw .badRequest("The query has \(name) twice.")
            }
        }
        return found
    }

    /// https://url.spec.whatwg.org/#urlencoded-parsing
    private static func text(_ part: Substring.UTF8View) -> String {
        PercentEncoding.decode(part.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
    }

    static func flag(_ query: [String: String], _ name: String) throws(Failure) -> Bool {
        switch query[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .badRequest("\(name) has to be true or false.")
        }
    }

    static func limit(_ query: [String: String]) throws(Failure) -> Int {
        guard let text = query["limit"] else { return 50 }
        guard let number = Int(text), (1...AdminActs.mostRows).contains(number), String(number) == text else {
            throw .badRequest("limit has to be a number from 1 to \(AdminActs.mostRows).")
        }
        return number
    }
}
