extension SettingsTable {
    static let logins = Group(
        title: "Logins",
        settings: [
            Setting(
                "logins", \.logins, .loginRules,
                "Whose workload tokens (OpenID Connect) become gateway keys of an hour at /oauth/token, by issuer, audience and claims.",
                reloadable: true, default: "none",
                sample:
                    #"{ci: {issuer: "https://token.actions.githubusercontent.com", claims: ["sub=repo:acme/app:ref:refs/heads/main"], role: writer}}"#
            ),
            Setting(
                "login_role", \.loginRole, .loginRoleOrNothing,
                "Lets people log devices in (`hf auth login`), each with a key of this role once somebody has confirmed it with a key that may no less; approver: with the rights of that key.",
                reloadable: true, default: "none: devices get no keys", sample: "reader"),
            Setting(
                "login_lifetime", \.loginLifetime, .duration(.seconds(60)...(.seconds(366 * 86_400))),
                "How long the key of such a device is good; never longer than the key that confirmed it.",
                reloadable: true),
            Setting(
                "client_ca", \.clientAuthorities, .pathOrNothing,
                "Certificate authorities in PEM whose clients need no key, by the rules of client_certificates.",
                reloadable: true, default: "none: clients are not asked for certificates",
                sample: "/etc/hubgate/clients-ca.pem"),
            Setting(
                "client_crl", \.clientRevocationLists, .pathOrNothing,
                "The revocation lists of these authorities in PEM; with it there has to be one of each that is up to date.",
                reloadable: true, default: "none: nothing is revoked", sample: "/etc/hubgate/clients-crl.pem"),
            Setting(
                "client_certificates", \.clientRules, .clientRules,
                "Whose certificates make them a principal, by subject, DNS name, URI or email, and with which role.",
                reloadable: true, default: "none",
                sample: #"{trainer: {names: ["uri=spiffe://acme/ns/ml/sa/trainer"], role: writer}}"#),
        ])
}

extension ValueCodec where Value == String? {
    static var loginRoleOrNothing: ValueCodec {
        ValueCodec<String>(
            name: "ROLE",
            accepted: "the name of a role, or approver",
            read: { (text) throws(ValueError) in
                guard NamedMappings.isName(text) else { throw ValueError("is no such name") }
                return text
            },
            text: { $0 }
        ).orNothing()
    }
}
