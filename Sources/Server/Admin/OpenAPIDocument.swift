import HTTP
import Hub

/// The OpenAPI 3.1 document of the gateway's own endpoints and of the admin API, made from their tables. What is relayed is the Hub's, and is not
/// in it.
enum OpenAPIDocument {
    static let json: JSON = [
        "openapi": "3.1.0",
        "info": [
            "title": "hubgate", "version": .string(Version.number),
            "description":
                "A gateway in front of the Hugging Face Hub: its own endpoints, and the admin API below /-/api. Every other path is the Hub's, and is relayed.",
            "license": ["name": "MIT"],
        ],
        "servers": [["url": "/"]], "paths": .object(paths),
        "components": [
            "schemas": .object(AdminSchemas.all.merging(FacadeSchemas.all) { $1 }),
            "securitySchemes": [
                "key": [
                    "type": "http", "scheme": "bearer",
                    "description":
                        "A gateway key; for the admin API one of the role admin. With access = open none is needed, and the admin API is for this machine.",
                ]
            ],
            "responses": [
                "Error": [
                    "description": "What is wrong, and what to do.",
                    "content": ["application/json": ["schema": reference("Error")]],
                ]
            ],
        ],
        "tags": [["name": "facade"], ["name": "gateway"], ["name": "admin"]],
    ]

    /// With a line feed at its end; members in the order of their names.
    static let text = json.indented() + "\n"

    private static var paths: [String: JSON] {
        var paths: [String: [String: JSON]] = [:]
        for route in Routes.all where !route.name.isOfLogins {
            paths[route.path, default: [:]][route.method.rawValue.lowercased()] = operation(route)
        }
        for route in AdminRoutes.all {
            paths[AdminRoutes.prefix + route.path, default: [:]][route.method.rawValue.lowercased()] = operation(route)
        }
        return paths.mapValues { .object($0) }
    }

    private static func operation(_ route: Route) -> JSON {
        let facade = FacadeSchemas.operations[route.name]
        var members: [String: JSON] = [
            "operationId": .string("\(route.name)" + (route.path.hasSuffix(".json") ? "JSON" : "")),
            "summary": .string(route.summary + "."),
            "tags": [route.path.hasPrefix(ListenerRole.adminPrefix) ? "gateway" : "facade"],
            "security": route.name.needsKey ? [["key": []], [:]] : [],
            "responses": [
                "200": [
                    "description": .string(route.summary + "."),
                    "content": .object([
                        facade?.mediaType ?? FacadeSchemas.mediaType(of: route): [
                            "schema": facade.map { reference($0.result) } ?? ["type": ["string", "object"]]
                        ]
                    ]),
                ],
                "default": ["$ref": "#/components/responses/Error"],
            ],
        ]
        if let facade, let body = facade.body, let text = route.example,
            let example = try? JSON.parse(Array(text.utf8), within: .order)
        {
            members["requestBody"] = content(body, example)
        }
        return .object(members)
    }

    private static func operation(_ route: AdminRoute) -> JSON {
        let mediaType = route.name == .events ? "text/event-stream" : "application/json"
        var members: [String: JSON] = [
            "operationId": .string(
                "admin\(route.name.rawValue.prefix(1).uppercased())\(route.name.rawValue.dropFirst())"),
            "summary": .string(route.summary), "tags": ["admin"], "security": [["key": []], [:]],
            "responses": .object([
                "\(route.status)": [
                    "description": .string(route.summary),
                    "content": .object([mediaType: ["schema": reference(route.result)]]),
                ],
                "default": ["$ref": "#/components/responses/Error"],
            ]),
        ]
        let inPath = route.pathParameters.map { parameter($0, "path", ["type": "string", "minLength": 1], nil, nil) }
        let inQuery = route.query.map { parameter($0.name, "query", $0.schema, $0.meaning, $0.example) }
        if !(inPath + inQuery).isEmpty { members["parameters"] = .array(inPath + inQuery) }
        if let body = route.body, let example = route.example { members["requestBody"] = content(body, example) }
        return .object(members)
    }

    private static func parameter(_ name: String, _ place: String, _ schema: JSON, _ meaning: String?, _ example: JSON?)
        -> JSON
    {
        var members: [String: JSON] = [
            "name": .string(name), "in": .string(place), "required": .bool(place == "path"), "schema": schema,
        ]
        if let meaning { members["description"] = .string(meaning) }
        if let example { members["example"] = example }
        return .object(members)
    }

    private static func content(_ schema: String, _ example: JSON) -> JSON {
        ["required": true, "content": ["application/json": ["schema": reference(schema), "example": example]]]
    }

    private static func reference(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/\(name)")] }
}

/// What the facade's endpoints take and give, for the document.
enum FacadeSchemas {
    struct Operation {
        let body: String?
        let result: String
        var mediaType = "application/json"
    }

    static let operations: [Route.Name: Operation] = [
        .account: Operation(body: nil, result: "Account"),
        .createRepo: Operation(body: "NewRepo", result: "RepoResult"),
        .updateRepo: Operation(body: "RepoChange", result: "RepoResult"),
        .deleteRepo: Operation(body: "RepoName", result: "RepoResult"), .health: Operation(body: nil, result: "Health"),
        .ready: Operation(body: nil, result: "Health"),
    ]

    static func mediaType(of route: Route) -> String {
        switch route.name {
        case .metrics: "text/plain"
        case .documents: route.path.hasSuffix(".json") ? "application/json" : "text/html"
        case .home: "text/plain"
        default: "text/html"
        }
    }

    private static let kind: JSON = ["enum": ["model", "dataset", "space"]]
    private static let name: JSON = ["type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z_-]{0,40}$"]

    static let all: [String: JSON] = [
        "Account": ["type": "object"],
        "Health": ["type": "object", "required": ["status"], "properties": ["status": ["type": "string"]]],
        "RepoResult": ["type": "object", "required": ["message"], "properties": ["message": ["type": "string"]]],
        "NewRepo": [
            "type": "object", "required": ["type", "name"],
            "properties": ["type": kind, "name": name, "private": ["type": "boolean"]],
        ],
        "RepoChange": [
            "type": "object", "required": ["type", "namespace", "private"],
            "properties": [
                "type": kind, "private": ["type": "boolean"],
                "namespace": [
                    "type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z_-]{0,40}/[0-9A-Za-z][0-9A-Za-z_-]{0,40}$",
                ],
            ],
        ],
        "RepoName": ["type": "object", "required": ["type", "name"], "properties": ["type": kind, "name": name]],
    ]
}

extension JSON {
    /// With two spaces a level, so that people can read the difference of two documents.
    func indented(_ depth: Int = 0) -> String {
        let (outer, inner) = (String(repeating: "  ", count: depth), String(repeating: "  ", count: depth + 1))
        switch self {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + $0.indented(depth + 1) }.joined(separator: ",\n") + "\n\(outer)]"
        case .object(let members) where !members.isEmpty:
            let lines = members.sorted { $0.key < $1.key }.map { name, value in
                "\(inner)\(JSON.string(name).indented()): \(value.indented(depth + 1))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        default:
            return String(decoding: (try? encoded()) ?? [], as: UTF8.self)
        }
    }
}
