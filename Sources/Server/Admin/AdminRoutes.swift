import HTTP
import Hub

/// THE table of the admin API. The handler, the OpenAPI document and its page come from it.
enum AdminRoutes {
    private typealias Parameter = AdminRoute.Parameter

    static let all = sessions + gateway + requests + keys + audit + resources + pulls

    private static let sessions = [
        AdminRoute(
            .session, .get, "/session", "Who is signed in, and the token for the field X-CSRF-Token.", result: "Session"
        ),
        AdminRoute(
            .signIn, .post, "/session", "Signs in with a key of the role admin: a cookie of eight hours.",
            body: "SignIn",
            example: ["key": "hg_…"], result: "Session", needsKeys: true),
        AdminRoute(
            .signOut, .delete, "/session", "Signs this browser out.", result: "Done", needsKeys: true),
    ]

    private static let gateway = [
        AdminRoute(
            .status, .get, "/status",
            "Version, workers, certificate, the Hub, the state, and what is left on the disk.",
            result: "Status"),
        AdminRoute(
            .settings, .get, "/settings", "Each setting and where its value came from; secrets are hidden.",
            result: "Settings"),
        AdminRoute(
            .figures, .get, "/figures", "Counters and gauges of all workers together, as at /-/metrics.",
            result: "Figures"),
        AdminRoute(
            .events, .get, "/events", "The same each second, as server-sent events.", result: "EventStream"),
        AdminRoute(
            .reload, .post, "/reload", "Reads the settings, roles and certificate again, as SIGHUP does.",
            result: "Done",
            status: 202),
        AdminRoute(
            .drain, .post, "/drain", "Stops the gateway in order, as SIGTERM does: requests in flight may finish.",
            result: "Done", status: 202),
    ]

    private static let requests = [
        AdminRoute(
            .requests, .get, "/requests", "The requests under way at the worker that answers.", result: "Requests"),
        AdminRoute(
            .recentRequests, .get, "/requests/recent",
            "The last 200 requests of the worker that answers, without probes and what the console asks.",
            result: "Requests"),
        AdminRoute(
            .cancelRequest, .delete, "/requests/{id}", "Ends a request under way, at whichever worker.", result: "Done",
            status: 202),
    ]

    private static let flag: JSON = ["type": "boolean"]

    private static let keys = [
        AdminRoute(
            .keys, .get, "/keys", "Keys by name, a page at a time.",
            query: [
                Parameter("search", "Part of a name, a note or a role, or a whole id.", example: "ml"),
                Parameter("after", "The member next of the page before.", example: "0.a"),
                Parameter("all", "Those that are revoked, too.", flag, example: true),
                Parameter(
                    "limit", "How many, from 1 to 200.", ["type": "integer", "minimum": 1, "maximum": 200], example: 50),
            ],
            result: "Keys", needsKeys: true),
        AdminRoute(
            .createKey, .post, "/keys", "Makes a key. It is shown once, and kept nowhere.", body: "NewKey",
            example: [
                "name": "ml", "role": "reader", "expires": "90d", "limits": ["bytes_a_day": "50GB"],
                "note": "for the ML team",
            ], result: "MadeKey",
            status: 201, needsKeys: true),
        AdminRoute(.key, .get, "/keys/{name}", "One key.", result: "Key", needsKeys: true),
        AdminRoute(
            .editKey, .patch, "/keys/{name}", "Changes what is given; null takes a value away.", body: "KeyChange",
            example: ["note": "for two teams", "rate": "600/m"], result: "Key", needsKeys: true),
        AdminRoute(
            .rotateKey, .post, "/keys/{name}/rotate",
            "Gives a key another secret; the old one works until grace is over.",
            body: "Rotation", example: ["grace": "24h"], result: "MadeKey", needsKeys: true),
        AdminRoute(.revokeKey, .delete, "/keys/{name}", "Ends a key for good.", result: "Key", needsKeys: true),
        AdminRoute(.roles, .get, "/roles", "The roles that keys can have, and their rules.", result: "Roles"),
        AdminRoute(
            .explain, .post, "/explain", "Says what a key may do, or one that is not made yet, and which rule decides.",
            body: "Question",
            example: [
                "grant": ["role": "reader", "deny": ["read acme/secret-*"]],
                "requests": [["method": "GET", "path": "/api/models/acme/m"]],
            ], result: "Explanations"),
    ]

    private static let audit = [
        AdminRoute(
            .audit, .get, "/audit", "What was done, by whom and by which right, the newest first.",
            query: [
                Parameter("key", "Of the key with this name or id.", example: "ml"),
                Parameter("repo", "To repositories that this fits.", example: "acme/*"),
                Parameter("action", "Such as delete, write, create.", example: "delete"),
                Parameter("since", "Since 2026-11-29 or 2026-11-29T12:00 (UTC).", example: "2026-11-29"),
                Parameter("request", "The request with this X-Request-Id.", example: "hg-5f0c9d12-0000002a"),
                Parameter("refusals", "Only what was refused.", flag, example: true),
                Parameter("unknown", "Only acts whose outcome is unknown.", flag, example: true),
                Parameter(
                    "limit", "How many, from 1 to 200.", ["type": "integer", "minimum": 1, "maximum": 200], example: 50),
                Parameter("before", "The member next of the page before.", example: "1.2000"),
            ],
            result: "Audit", needsKeys: true),
        AdminRoute(
            .verifyAudit, .get, "/audit/verify",
            "Whether the lines of the audit fit each other, a piece at a time, from the end.",
            query: [Parameter("before", "The member next of the piece before.", example: "1.2000")],
            result: "Verification", needsKeys: true),
    ]
}
