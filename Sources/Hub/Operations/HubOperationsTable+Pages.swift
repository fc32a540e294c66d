/// First segments of paths at which the Hub has a page of its own. They are the names of no user and no organization.
extension HubOperationsTable {
    /// Pages that show something of the account, or change it.
    private static let ofAccount = [
        "settings", "notifications", "organizations", "webhooks", "billing", "subscribe", "subscriptions", "new",
        "new-dataset", "new-space", "new-kernel", "new-bucket", "chat", "jobs",
    ]

    /// Pages where a session begins, ends, or gets another password.
    private static let ofLogin = [
        "login", "logout", "join", "signup", "sso", "saml", "email_confirmation", "password_reset", "reset_password",
        "forgot_password", "reset-password", "forgot-password",
    ]

    static let accountPages =
        ofAccount.map { HubOperationRow("GET", "/\($0)[/{path}]", .account) }
        + ofAccount.map {
            HubOperationRow(
                "POST PUT PATCH DELETE", "/\($0)[/{path}]", .other, .notRelayed,
                "a form of the account: never relayed where there are keys")
        }
        + ofLogin.map {
            HubOperationRow(
                "GET POST PUT PATCH DELETE", "/\($0)[/{path}]", .other, .notRelayed,
                "a login: never relayed where there are keys")
        }
        + [
            HubOperationRow(
                "GET POST DELETE", "/mcp[/{path}]", .other, [],
                "the Hub's own agent tools, which act as the token's owner")
        ]
}
