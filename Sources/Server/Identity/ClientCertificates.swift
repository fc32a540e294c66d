import EventIO
import HTTP

/// How a client becomes a principal by its certificate: by the rules of `client_certificates`, for certificates that `client_ca` has signed.
///
/// A certificate is judged once for a connection, and again after each reload; the verdict stays with the connection.
@EventLoop
final class ClientCertificates {
    private struct Rule {
        let rule: ClientRule
        let grant: SharedGrant
    }

    /// The result of a judgement.
    private final class Verdict {
        let source: ClientCertificates
        let principal: Principal
        /// The end of the certificate, in seconds since 1970.
        let expires: Int64

        init(_ source: ClientCertificates, _ principal: Principal, expires: Int64) {
            (self.source, self.principal, self.expires) = (source, principal, expires)
        }
    }

    private let rules: [Rule]

    /// Nil where clients are not asked for certificates.
    init?(_ settings: Settings) {
        guard settings.clientFiles != nil else { return nil }
        let roles = RoleBook(settings.roles)
        rules = settings.clientRules.rules.map { rule in
            Rule(
                rule: rule,
                grant: SharedGrant(
                    KeyGrant(role: rule.role, credential: rule.credential, rate: rule.rate), roles,
                    policy: settings.policy))
        }
    }

    /// Nil where the client has shown no certificate. With one that is refused the client is not identified, and the reason is kept.
    func principal(of exchange: Exchange, by identification: Identification) -> Principal? {
        let now = Int64(WallClock.now.seconds)
        if let verdict = exchange.attachment as? Verdict, verdict.source === self, now <= verdict.expires {
            return verdict.principal
        }
        guard let certificate = exchange.clientCertificate else { return nil }
        let verdict: Verdict
        do throws(CertificateRefusal) {
            // A resumed session was judged when it began.
            guard now <= certificate.expires else { throw .fault(.expired) }
            var identity = try identity(of: certificate)
            // A request that was begun before ends with it.
            identity.expires = certificate.expires
            verdict = Verdict(
                self, identification.principal(with: identity, isAmbient: true), expires: certificate.expires)
        } catch {
            verdict = Verdict(self, .unidentified(.certificate(error)), expires: .max)
        }
        exchange.attachment = verdict
        return verdict.principal
    }

    /// Throws why the certificate is refused.
    func identity(of certificate: ClientCertificate) throws(CertificateRefusal) -> KeyIdentity {
        if let fault = certificate.fault { throw .fault(fault) }
        let names = certificate.names.map(Self.comparable)
        for rule in rules {
            let found = rule.rule.names.compactMap { condition in names.first { Self.holds(condition, $0) } }
            if found.count == rule.rule.names.count {
                return KeyIdentity(certificateOf: found.map(\.value), by: rule.rule.name, rule.grant)
            }
        }
        throw .noRule
    }

    /// Host names are compared without regard to case (RFC 4343).
    private static func comparable(_ name: ClientCertificate.Name) -> ClientCertificate.Name {
        name.kind == "dns" ? ClientCertificate.Name(kind: "dns", value: name.value.lowercased()) : name
    }

    private static func holds(_ condition: ClaimCondition, _ name: ClientCertificate.Name) -> Bool {
        guard condition.name == name.kind else { return false }
        let wanted = name.kind == "dns" ? condition.value.lowercased() : condition.value
        return condition.isPattern
            ? Glob.matches(wanted.utf8.span, name.value.utf8.span, isCaseless: false)
            : wanted.utf8.elementsEqual(name.value.utf8)
    }
}

extension KeyIdentity {
    /// The holder of a certificate with these names, by that rule. A renewed certificate with the same names gives the same identity.
    fileprivate init(certificateOf names: [String], by rule: String, _ grant: SharedGrant) {
        let text = ([rule] + names).joined(separator: "\n")
        // Negative: no key's public id is.
        let id = Int64(bitPattern: SecretDigest.sha256(Array(text.utf8).span).0.littleEndian | 1 << 63)
        self.init(
            number: id, publicID: id, name: "cert:\(rule):" + LoginKeys.printable(names.first ?? ""), grant: grant)
    }

    /// The client showed a certificate, and no key.
    var isOfCertificate: Bool { publicID < 0 }

    /// As the audit shows it.
    var shownID: String {
        guard isOfCertificate else { return GatewayKey.shown(publicID: publicID) }
        return "cert_" + String(UInt64(bitPattern: publicID), radix: 16)
    }
}
