import EventIO
import HTTP
import Hub

/// The public keys of one issuer, as this worker knows them: from a file, or fetched and kept.
///
/// They are fetched over the gateway's own connections from the addresses in the settings, without following a redirect. Fetched
/// keys are valid for an hour; for an unknown key they are fetched again, but not soon after the last time. Where they cannot be
/// fetched, the old ones are valid for a day.
@EventLoop
final class IssuerKeys {
    /// How long fetched keys are valid, how soon they may be fetched again, and how long old ones are valid where they cannot be fetched, in milliseconds.
    static let lifetime: UInt64 = 3_600_000
    static let pause: UInt64 = 10_000
    static let longestLifetime: UInt64 = 86_400_000
    private static let limits = Transfer.Limits(connect: 5_000, firstByte: 5_000, stall: 5_000)
    private static let longestFetch: UInt64 = 10_000

    private let rule: LoginRule
    private let pool: TransferPool
    private let reporter: LoginReporter
    private var held: JSONWebKeySet?
    private var fetched: MonotonicInstant?
    private var tried: MonotonicInstant?
    private var isFetching = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// `rule` is any rule of the issuer: all of them name the same source of keys.
    init(_ rule: LoginRule, pool: TransferPool, reporter: LoginReporter) {
        self.rule = rule
        self.pool = pool
        self.reporter = reporter
        if case .file(_, let document) = rule.keySource { held = try? JSONWebKeySet(document) }
    }

    /// The keys, fetched again where `keyID` is unknown. Nil where there are none.
    func keys(with keyID: String) async -> JSONWebKeySet? {
        if case .file = rule.keySource { return held }
        if wantsFetch(keyID) {
            if isFetching {
                await withCheckedContinuation { waiters.append($0) }
            } else {
                await refresh()
            }
        }
        guard let fetched, MonotonicInstant.now.milliseconds(since: fetched) < Self.longestLifetime else { return nil }
        return held
    }

    private func wantsFetch(_ keyID: String) -> Bool {
        if isFetching { return held?.has(keyID) != true }
        if let tried, MonotonicInstant.now.milliseconds(since: tried) < Self.pause { return false }
        guard let fetched, let held else { return true }
        return MonotonicInstant.now.milliseconds(since: fetched) >= Self.lifetime || !held.has(keyID)
    }

    private func refresh() async {
        isFetching = true
        tried = .now
        do throws(JSONWebKeySet.Fault) {
            held = try JSONWebKeySet(try await document())
            fetched = .now
        } catch {
            reporter.note(LoginEvent(kind: .issuerFailed, reason: "\(rule.issuer.shown): \(error.reason)"))
        }
        isFetching = false
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    private func document() async throws(JSONWebKeySet.Fault) -> [UInt8] {
        if case .url(let url) = rule.keySource { return try await get(url) }
        let base = rule.issuer.hasSuffix("/") ? String(rule.issuer.dropLast()) : rule.issuer
        let configuration = try await get(base + "/.well-known/openid-configuration")
        let json: JSON
        do throws(Failure) {
            json = try JSON.parse(
                configuration, within: JSONLimits(bytes: JSONWebKeySet.longest, depth: 8, values: 4096))
        } catch {
            throw JSONWebKeySet.Fault(reason: "its openid-configuration is no JSON that is read here: \(error.detail)")
        }
        // OpenID Connect Discovery 1.0 section 4.3.
        guard json["issuer"]?.stringValue == rule.issuer else {
            throw JSONWebKeySet.Fault(reason: "its openid-configuration names another issuer")
        }
        return try await get(try location(json["jwks_uri"]?.stringValue))
    }

    /// The address of its keys, which has to be on the issuer's own host: the settings may name another one.
    private func location(_ text: String?) throws(JSONWebKeySet.Fault) -> String {
        guard let text, let address = try? LoginRule.address(text) else {
            throw JSONWebKeySet.Fault(
                reason:
                    "its openid-configuration has no jwks_uri, or one that is no plain https address; name it with jwks_url"
            )
        }
        guard address.origin == rule.calledAddress?.origin else {
            throw JSONWebKeySet.Fault(
                reason: "its jwks_uri is at another host (\(address.origin)): if that is right, name it with jwks_url")
        }
        return text
    }

    private func get(_ url: String) async throws(JSONWebKeySet.Fault) -> [UInt8] {
        let headers: Headers = ["Accept": "application/json", "User-Agent": "hubgate/\(Version.number)"]
        let content = ContentCollector(limit: JSONWebKeySet.longest, patience: Self.longestFetch)
        let transfer = pool.start(
            Request(method: .get, target: .root, headers: headers), url: url, limits: Self.limits, sink: content)
        content.transfer = transfer
        let limit = Timer { content.giveUp() }
        limit.start(milliseconds: Self.longestFetch)
        defer { limit.stop() }
        do throws(TransferError) {
            let head = try await transfer.head()
            try await transfer.done()
            guard head.status == .ok else { throw .broken("it answered \(head.status.code)") }
        } catch {
            throw JSONWebKeySet.Fault(reason: "\(url.shown): \(Self.text(error))")
        }
        do throws(Failure) {
            return try content.bytes()
        } catch {
            throw JSONWebKeySet.Fault(reason: "\(url.shown): \(error.detail)")
        }
    }

    private static func text(_ error: TransferError) -> String {
        switch error {
        case .unreachable(let reason), .proxy(_, let reason), .tooSlow(let reason), .broken(let reason): reason
        case .cancelled: "it is too large, or takes too long"
        case .closing: "the gateway ends"
        }
    }
}

/// The issuers that the settings name, each with its keys, over reloads.
@EventLoop
final class Issuers {
    private struct Place: Hashable {
        let issuer: String
        let source: KeySource
    }

    private let pool: TransferPool
    private let reporter: LoginReporter
    private var known: [Place: IssuerKeys] = [:]

    init(pool: TransferPool, reporter: LoginReporter) {
        self.pool = pool
        self.reporter = reporter
    }

    /// Issuers that the settings no longer name are forgotten.
    func use(_ rules: LoginRules) {
        let named = Set(rules.rules.map { Place(issuer: $0.issuer, source: $0.keySource) })
        known = known.filter { named.contains($0.key) }
    }

    /// The keys of a rule's issuer.
    func keys(of rule: LoginRule) -> IssuerKeys {
        let place = Place(issuer: rule.issuer, source: rule.keySource)
        if let keys = known[place] { return keys }
        let keys = IssuerKeys(rule, pool: pool, reporter: reporter)
        known[place] = keys
        return keys
    }
}
