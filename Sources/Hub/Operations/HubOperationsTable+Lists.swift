extension HubOperationsTable {
    static let lists =
        ["models", "datasets", "spaces", "kernels"].map { kind in
            HubOperationRow(
                "GET", "/api/\(kind)", .search, [.anyPattern, .filtered],
                "private entries that the key may not read are left out")
        }
        + [
            "/api/trending", "/api/collections", "/api/collections/{x}", "/api/collections/{ns}/{x}",
            "/api/users/{x}/{x}",
            "/api/organizations/{ns}/{x}", "/api/quicksearch", "/api/spaces/semantic-search", "/{ns}", "/models",
            "/datasets", "/spaces", "/kernels", "/collections/{path}",
        ].map { path in
            HubOperationRow(
                "GET", path, .search, [.anyPattern, .mayShowPrivate],
                "asked without a credential, unless the key may read all")
        }
        + [
            "/api/daily_papers", "/api/papers/{x}", "/papers/{x}", "/api/models-tags-by-type",
            "/api/datasets-tags-by-type", "/api/spaces/templates", "/api/spaces/hardware", "/api/tasks",
            "/api/agent-harnesses", "/docs/{path}", "/blog/{path}", "/posts/{path}", "/api/telemetry/{path}",
        ].map { HubOperationRow("GET", $0, .search, .anyPattern) }
        + [HubOperationRow("POST", "/api/validate-yaml", .search, .anyPattern, "a POST that only reads")]

    static let inference = [
        HubOperationRow("GET", "/v1/models[/{path}]", .infer, .anyPattern, at: .router),
        HubOperationRow("POST", "/v1/{path}", .infer, body: .model, at: .router),
        HubOperationRow(
            "GET POST", "/hf-inference/{path}", .infer, .modelInPath, body: .model, at: .router,
            "the model in the path, and the body's if there is one"),
        HubOperationRow(
            "GET POST DELETE", "/{x}/{path}", .infer, .modelInPath, body: .model, at: .router,
            "another provider: the body's `model` in OpenAI's calls, else the path as well"),
        HubOperationRow("POST", "/api/inference-proxy/{path}", .infer, .modelInPath, body: .model),
        HubOperationRow("POST", "/models/{id}", .infer),
        HubOperationRow("POST", "/pipeline/{x}/{id}", .infer),
    ]
}
