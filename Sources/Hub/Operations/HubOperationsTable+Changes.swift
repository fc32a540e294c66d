extension HubOperationsTable {
    static let writing = [
        HubOperationRow("POST", "/api/{T}/{id}/preupload/{rev}", .write, .pullRequest),
        HubOperationRow("POST", "/api/{T}/{id}/commit/{rev}", .write, .pullRequest),
        HubOperationRow(
            "GET", "/api/{T}/{id}/xet-write-token/{rev}", .write, [.discussSuffices, .unshared, .xetToken]),
        HubOperationRow("POST DELETE", "/api/{T}/{id}/branch/{rev}", .write),
        HubOperationRow("POST DELETE", "/api/{T}/{id}/tag/{rev}", .write),
        HubOperationRow("POST", "/api/{T}/{id}/super-squash/{rev}", .write),
        HubOperationRow("POST", "/api/{T}/{id}/lfs-files/batch", .write),
        HubOperationRow("POST", "/api/{T}/{id}/lfs-files/duplicate", .read, body: .lfsDuplicate),
        HubOperationRow(
            "GET", "/api/{T}/{id}/jwt", .write, .unshared,
            "a token for other hosts, on request one that writes: it would outlive the key"),
    ]

    static let managing = [
        HubOperationRow("POST", "/api/repos/create", .create, body: .create),
        HubOperationRow("DELETE", "/api/repos/delete", .delete, body: .delete),
        HubOperationRow("POST", "/api/repos/move", .move, body: .move),
        HubOperationRow("POST", "/api/{T}/{id}/duplicate", .read, body: .duplicate),
        HubOperationRow("PUT", "/api/{T}/{id}/settings", .settings, body: .settings),
        HubOperationRow("GET", "/[{T}/]{owner}/{name}/settings[/{path}]", .settings, [], "pages"),
        HubOperationRow("POST", "/api/{T}/{id}/resource-group", .settings),
        HubOperationRow("GET POST", "/api/{T}/{id}/user-access-request/{x}", .settings),
        HubOperationRow("GET POST DELETE", "/api/{T}/{id}/secrets", .settings),
        HubOperationRow("GET POST DELETE", "/api/{T}/{id}/variables", .settings),
        HubOperationRow("PUT POST", "/api/{T}/{id}/volumes", .settings, body: .volumes),
        HubOperationRow("DELETE", "/api/{T}/{id}/volumes", .settings),
        HubOperationRow("POST", "/api/{T}/{id}/sleeptime", .settings),
        HubOperationRow("POST DELETE", "/api/{T}/{id}/dev-mode", .settings),
        HubOperationRow("POST", "/api/{T}/{id}/pause", .settings),
        HubOperationRow("POST", "/api/{T}/{id}/restart", .settings),
        HubOperationRow("POST DELETE", "/api/spaces/{id}/hardware", .spend),
        HubOperationRow("POST DELETE", "/api/spaces/{id}/storage", .spend),
    ]

    static let buckets = [
        HubOperationRow("GET", "/api/buckets/{ns}", .search, .filtered),
        HubOperationRow("GET", "/api/buckets/{id}", .read),
        HubOperationRow("GET", "/api/buckets/{id}/tree[/{path}]", .read),
        HubOperationRow("POST", "/api/buckets/{id}/paths-info", .read, [], "a POST that only reads"),
        HubOperationRow("GET", "/api/buckets/{id}/events", .read, .unshared),
        HubOperationRow("GET", "/api/buckets/{id}/xet-read-token", .read, [.unshared, .xetToken]),
        HubOperationRow("GET", "/buckets/{id}[/resolve/{path}]", .read),
        HubOperationRow("POST", "/api/buckets/{id}/batch", .write, body: .bucketBatch),
        HubOperationRow("GET", "/api/buckets/{id}/xet-write-token", .write, [.unshared, .xetToken]),
        HubOperationRow("POST", "/api/buckets/{id}", .create, body: .bucketCreate),
        HubOperationRow("DELETE", "/api/buckets/{id}", .delete),
        HubOperationRow("PUT", "/api/buckets/{id}/settings", .settings, body: .settings),
    ]

    static let jobs =
        ["jobs", "scheduled-jobs"].flatMap { kind in
            [
                HubOperationRow(
                    "GET", "/api/\(kind)/{ns}[/{x}[/{x}]]", .read, .unshared, "logs, metrics and events of jobs"),
                HubOperationRow("POST PUT", "/api/\(kind)/{ns}[/{x}[/{x}]]", .spend, body: .job),
                HubOperationRow("DELETE", "/api/\(kind)/{ns}[/{x}[/{x}]]", .spend),
            ]
        } + [HubOperationRow("GET", "/api/jobs/hardware", .search, .anyPattern)]

    static let account =
        [
            HubOperationRow(
                "GET", "/api/whoami-v2", .account, .everyKey, "every key may ask: the answer speaks of the key"),
            HubOperationRow("GET", "/api/whoami", .account, [.everyKey, .notRelayed], "the older form of the same"),
            HubOperationRow("GET POST PUT PATCH DELETE", "/api/settings/{path}", .account),
            HubOperationRow("GET", "/api/organizations/{ns}/settings/{x}", .account),
        ]
        + ["audit-log", "billing", "resource-groups", "scim", "sso", "tokens"].map {
            HubOperationRow("GET", "/api/organizations/{ns}/\($0)[/{path}]", .account)
        }
        + [
            HubOperationRow("GET", "/api/spaces/zero-gpu/quota", .account),
            HubOperationRow("POST", "/api/collections", .account, body: .collection),
            HubOperationRow("PATCH", "/api/collections/{ns}/{x}", .account, body: .collectionUpdate),
            HubOperationRow("DELETE", "/api/collections/{ns}/{x}", .account),
            HubOperationRow("POST PATCH DELETE", "/api/collections/{ns}/{x}/{path}", .account),
            HubOperationRow("POST DELETE", "/api/{T}/{id}/like", .account, .tokenOwner, "likes are the token owner's"),
            HubOperationRow("GET POST DELETE", "/api/notifications", .account),
            HubOperationRow(
                "GET POST", "/oauth/{path}", .other, .notRelayed, "device login: never relayed where there are keys"),
        ]
}
