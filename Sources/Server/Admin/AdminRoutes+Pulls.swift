import HTTP
import Hub

/// Which files are fetched before clients ask, and which stay: as `hubgate cache pull`, `pin` and `unpin`.
extension AdminRoutes {
    static let pulls = [
        AdminRoute(
            .pulls, .get, "/cache/pulls", "Orders of the last day to fetch a revision, with their progress.",
            result: "Pulls"),
        AdminRoute(
            .pull, .post, "/cache/pull",
            "Orders that a revision is fetched, with all that a client needs to read it without the Hub.",
            body: "NewPull", example: ["repo": "acme/m", "revision": "main", "include": ["*.safetensors", "*.json"]],
            result: "Pull", status: 202),
        AdminRoute(
            .cancelPull, .delete, "/cache/pulls/{id}", "Ends an order that waits or is carried out.", result: "Done",
            status: 202),
        AdminRoute(
            .pin, .post, "/cache/pin", "Keeps the files of what was pulled, even if their room is needed.",
            body: "Pinning",
            example: ["repo": "acme/m", "revision": "main"], result: "Pin"),
        AdminRoute(
            .unpin, .post, "/cache/unpin", "Undoes that: they are removed when room is needed.", body: "Pinning",
            example: ["repo": "acme/m", "revision": "main"], result: "Pin"),
    ]

    /// The schemas of their requests and responses.
    static let pullSchemas: [String: JSON] = [
        "NewPull": AdminSchemas.object(
            repository.merging(["include": patterns, "exclude": patterns, "pin": AdminSchemas.flag]) { $1 },
            required: ["repo"]),
        "Pull": pull, "Pulls": AdminSchemas.object(["pulls": AdminSchemas.list(pull)]),
        "Pinning": AdminSchemas.object(repository, required: ["repo"]),
        "Pin": AdminSchemas.object([
            "type": AdminSchemas.text, "repo": AdminSchemas.text, "revision": AdminSchemas.optional,
            "pinned": AdminSchemas.flag, "files": AdminSchemas.number, "bytes": AdminSchemas.number,
        ]),
    ]

    private static let repository: [String: JSON] = [
        "repo": ["type": "string", "pattern": "^[a-z]{1,20}(/[a-z]{1,20})?$"],
        "type": ["enum": ["model", "dataset", "space"]],
        "revision": ["type": "string", "pattern": "^[a-z]{1,20}$"],
    ]
    private static let patterns: JSON = [
        "type": "array", "maxItems": .integer(Int64(PathFilter.mostPatterns)),
        "items": ["type": "string", "pattern": "^[a-z*?.]{1,20}$"],
    ]
    private static let pull = AdminSchemas.object([
        "id": AdminSchemas.text, "type": AdminSchemas.text, "repo": AdminSchemas.text, "revision": AdminSchemas.text,
        "commit": AdminSchemas.optional, "include": AdminSchemas.list(AdminSchemas.text),
        "exclude": AdminSchemas.list(AdminSchemas.text), "pin": AdminSchemas.flag, "status": AdminSchemas.text,
        "reason": AdminSchemas.optional, "files": AdminSchemas.number, "files_done": AdminSchemas.number,
        "bytes": AdminSchemas.number, "bytes_done": AdminSchemas.number, "ordered_by": AdminSchemas.text,
        "ordered": AdminSchemas.text,
    ])
}
