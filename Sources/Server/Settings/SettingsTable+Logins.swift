extension SettingsTable {
    static let logins = Group(
        title: "Logins",
        settings: [
            Setting(
                "logins", \.logins, .loginRules,
                "Which workload tokens (OpenID Connect) are exchanged for gateway keys of an hour at /oauth/token, by issuer, audience and claims.",
                reloadable: true, default: "none",
                sample:
                    #"{ci: {issuer: "https://token.actions.githubusercontent.com", claims: ["sub=repo:acme/app:ref:refs/heads/main"], role: writer}}"#
            ),
            Setting(
                "login_role", \.loginRole, .loginRoleOrNothing,
                "Lets people log in on devices (`hf auth login`): a device gets a key of this role when somebody confirms it with a key that has at least these rights; approver: a key with the rights of that one.",
                reloadable: true, default: "none: devices get no keys", sample: "reader"),
            Setting(
                "login_lifetime", \.loginLifetime, .duration(.seconds(60)...(.seconds(366 * 86_400))),
                "How long the key of such a device is valid; never longer than the key that confirmed it.",
                reloadable: true),
            Setting(
                "client_ca", \.clientAuthorities, .pathOrNothing,
                "Certificate authorities (PEM) for clients: a client with a certificate that a rule of client_certificates names needs no key.",
                reloadable: true, default: "none: clients are not asked for certificates",
                sample: "/etc/hubgate/clients-ca.pem"),
            Setting(
                "client_crl", \.clientRevocationLists, .pathOrNothing,
                "The revocation lists of these authorities (PEM); if it is set, it must have a current list of each.",
                reloadable: true, default: "none: nothing is revoked", sample: "/etc/hubgate/clients-crl.pem"),
            Setting(
                "client_certificates", \.clientRules, .clientRules,
                "Which client certificates are accepted, by subject, DNS name, URI or email, and with which role.",
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
