/// THE table of the Hub's operations: what each request of its API does, and on which resource. The longest pattern wins; a request in no row is `other`.
/// Read from huggingface_hub 2.4, 1.33, 0.36, huggingface.js, git and git-lfs; rows of pages are from memory: a wrong one can only refuse too much.
package enum HubOperationsTable {
    package struct Group: Sendable {
        package let title: String
        package let rows: [HubOperationRow]
    }

    package static let groups = [
        Group(title: "Reading a repository", rows: reading), Group(title: "Git and Git LFS", rows: git),
        Group(title: "Writing", rows: writing), Group(title: "Discussions", rows: discussions),
        Group(title: "Managing repositories", rows: managing), Group(title: "Buckets", rows: buckets),
        Group(title: "Jobs", rows: jobs), Group(title: "Lists and documents", rows: lists),
        Group(title: "Account", rows: account), Group(title: "Pages of the account", rows: accountPages),
        Group(title: "Inference", rows: inference),
    ]

    package static let all = groups.flatMap(\.rows)

    private static let reading = [
        HubOperationRow("GET", "/api/{T}/{id}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/revision/{rev}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/tree/{rev}[/{path}]", .read, .ofCommit),
        HubOperationRow("POST", "/api/{T}/{id}/paths-info/{rev}", .read, "a POST that only reads"),
        HubOperationRow("GET", "/api/{T}/{id}/refs", .read),
        HubOperationRow("GET", "/api/{T}/{id}/commits/{rev}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/likers", .read),
        HubOperationRow("GET", "/api/{T}/{id}/lfs-files", .read),
        HubOperationRow("GET", "/api/{T}/{id}/auth-check", .read),
        HubOperationRow(
            "GET", "/api/{T}/{id}/auth-check/write", .read, .ofScope,
            "whether the token may write: answered from the key's scope"),
        HubOperationRow("GET", "/api/{T}/{id}/discussions", .read),
        HubOperationRow("GET", "/api/{T}/{id}/discussions/{n}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/xet-read-token/{rev}", .read, [.unshared, .xetToken]),
        HubOperationRow("GET", "/api/{T}/{id}/treesize/{rev}[/{path}]", .read),
        HubOperationRow("GET", "/api/{T}/{id}/scan", .read),
        HubOperationRow("GET", "/api/{T}/{id}/notebook/{rev}/{path}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/compare/{rev}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/leaderboard", .read),
        HubOperationRow("GET", "/api/{T}/{id}/safetensors-metadata/{path}", .read),
        HubOperationRow("GET", "/api/{T}/{id}/runtime", .read, .unshared),
        HubOperationRow("GET", "/api/{T}/{id}/metrics", .read, .unshared),
        HubOperationRow("GET", "/api/{T}/{id}/logs/{x}", .read, .unshared),
        HubOperationRow("GET", "/api/{T}/{id}/events", .read, .unshared),
        HubOperationRow("GET", "/api/{T}/{id}/croissant", .read),
        HubOperationRow("GET", "/api/{T}/{id}/parquet[/{path}]", .read),
        HubOperationRow("GET", "/api/{T}/{id}/first-rows", .read),
        HubOperationRow("GET", "/api/{T}/{id}/security-status", .read),
        HubOperationRow("GET", "/[{T}/]{id}/resolve/{rev}/{path}", .read, .ofCommit, "models have no {T} here"),
        HubOperationRow("GET", "/[{T}/]{id}/raw/{rev}/{path}", .read, .ofCommit),
        HubOperationRow(
            "GET", "/api/resolve-cache/{T}/{id}/{rev}/{path}", .read, .ofCommit, "where resolve redirects"),
        HubOperationRow(
            "GET", "/[{T}/]{id}[/{page}]", .read,
            "pages: \(OperationPattern.pages.joined(separator: ", "))"),
    ]

    private static let git = [
        HubOperationRow("POST", "/[{T}/]{id}.git/info/lfs/objects/batch", .write, body: .lfsBatch),
        HubOperationRow(
            "GET", "/[{T}/]{id}[.git]/info/refs", .read, .gitService,
            "with `service=git-upload-pack` and nothing else; any other query is the start of a push: write"),
        HubOperationRow("POST", "/[{T}/]{id}[.git]/git-upload-pack", .read),
        HubOperationRow("POST", "/[{T}/]{id}[.git]/git-receive-pack", .write),
        HubOperationRow("POST", "/[{T}/]{id}.git/info/lfs/objects/verify", .write),
        HubOperationRow("GET", "/[{T}/]{id}.git/info/lfs/locks", .read),
        HubOperationRow("POST", "/[{T}/]{id}.git/info/lfs/locks[/{path}]", .write),
    ]

    private static let discussions = [
        HubOperationRow("POST", "/api/{T}/{id}/discussions", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/comment", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/status", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/title", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/comment/{x}/edit", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/comment/{x}/hide", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/pin", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/reaction", .discuss),
        HubOperationRow("DELETE", "/api/{T}/{id}/discussions/{n}", .discuss),
        HubOperationRow("POST", "/api/{T}/{id}/discussions/{n}/merge", .write),
        HubOperationRow("POST", "/uploads", .discuss, .anyPattern, "attachments of comments"),
    ]
}

extension HubOperationRow {
    fileprivate init(_ methods: String, _ path: String, _ action: HubAction, _ remark: String) {
        self.init(methods, path, action, [], remark)
    }
}
