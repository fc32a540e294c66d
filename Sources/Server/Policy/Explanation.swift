import HTTP
import Hub

/// The decision about a request under a scope, and the rule behind it: for `hubgate keys explain`.
struct Explanation: Sendable {
    let method: Method
    let target: Target
    let operation: HubOperation
    /// What the request needs; nil where its body could not be judged.
    let needs: [HubNeed]?
    let decision: AccessDecision?
    /// Why the body could not be judged.
    let failure: Failure?
    private let scope: Scope

    /// `body` nil: it is not known; the text says what it would add.
    init(
        _ scope: Scope, _ method: Method, _ target: Target, headers: Headers = ["Content-Type": "application/json"],
        body: [UInt8]? = nil, account: String? = nil, at origin: HubOperationRow.Origin = .hub
    ) {
        self.scope = scope
        self.method = method
        self.target = target
        operation = HubOperation.find(method, target, at: origin)
        do throws(Failure) {
            let needs =
                scope.needsBody(operation)
                ? try operation.needs(headers, body ?? [], account: account) : [operation.need]
            self.needs = needs
            decision = scope.decide(operation, needs)
            failure = nil
        } catch {
            (needs, decision, failure) = (nil, nil, error)
        }
    }

    /// Lines for people.
    var text: String { lines.map { Self.line($0.name, $0.value) }.joined() }

    /// Of the members of `json`.
    static func text(_ member: (String) -> String?) -> String {
        ["request", "operation", "needs", "decision", "why", "rule"].compactMap { name in
            member(name).map { line(name, $0) }
        }.joined()
    }

    private static func line(_ name: String, _ value: String) -> String { "\(name.padding(12))\(value)\n" }

    /// The same for programs.
    var json: JSON {
        .object(
            Dictionary(uniqueKeysWithValues: lines.map { ($0.name.replacing(" ", with: "_"), JSON.string($0.value)) }))
    }

    private var lines: [(name: String, value: String)] {
        var lines = [("request", "\(method) \(target.loggable)"), ("operation", row)]
        if let needs { lines.append(("needs", needs.map(Self.shown).joined(separator: "; "))) }
        lines.append(("decision", verdict))
        lines.append(("why", why))
        if let rule { lines.append(("rule", "\(scope.rules[rule])")) }
        return lines
    }

    private var row: String {
        switch operation.reading {
        case .row: operation.row.map { "\($0.methods.map(\.rawValue).joined(separator: ", ")) \($0.path)" } ?? ""
        case .unknown: "none that is known: other"
        case .ambiguous: "none: the path can be read in more than one way"
        }
    }

    private static func shown(_ need: HubNeed) -> String {
        "\(need.sufficient.elements.map(\.name).joined(separator: " or ")) \(need.resource)"
    }

    private var verdict: String {
        switch decision {
        case .allow(let permit): permit.withoutCredential ? "allowed, without the credential" : "allowed"
        case .refuse(let refusal): "refused with \(refusal.status.code)"
        case nil: "refused with 400"
        }
    }

    private var why: String {
        switch decision {
        case nil: failure?.detail ?? ""
        case .allow(let permit): permit.rule == nil ? "every key may" : "a rule allows it and none denies it"
        case .refuse(let refusal):
            switch refusal.reason {
            case .noRule: "no rule allows \(refusal.action.name) on \(refusal.resource)"
            case .denied: "a rule denies \(refusal.action.name) on \(refusal.resource)"
            case .publicOnly:
                "\(refusal.resource) may only be read without the credential, which the rest of the request needs"
            case .ambiguous: "write the path without needless escapes, capital letters and slashes"
            case .notRelayed: "the gateway passes no logins and forms of the account on"
            }
        }
    }

    private var rule: Int? {
        switch decision {
        case .allow(let permit): return permit.rule
        case .refuse(let refusal):
            guard case .denied(let rule) = refusal.reason else { return nil }
            return rule
        case nil: return nil
        }
    }
}

extension String {
    fileprivate func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
