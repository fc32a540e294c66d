extension SettingsTable {
    static let logins = Group(
        title: "Logins",
        settings: [
            Setting(
                "logins", \.logins, .loginRules,
                "Whose workload tokens (OpenID Connect) become gateway keys of an hour at /oauth/token, by issuer, audience and claims.",
                reloadable: true, default: "none",
                sample: #"{ci: {issuer: "https://token.actions.githubusercontent.com", claims: ["sub=repo:acme/app:ref:refs/heads/main"], role: writer}}"#),
        ])
}
