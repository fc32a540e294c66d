import Hub

/// The schemas of the admin API (JSON Schema 2020-12, as OpenAPI 3.1 takes them), by their names.
enum AdminSchemas {
    static let all = own.merging(resources) { $1 }.merging(AdminRoutes.pullSchemas) { $1 }

    private static let own: [String: JSON] = [
        "Error": object(["error": text, "code": text, "request_id": text]),
        "Done": object(["done": flag]),
        "Session": object(["name": optional, "csrf_token": optional, "keys": flag, "version": text]),
        "SignIn": object(["key": text]),
        "Key": object(key.merging(["role_rules": list(text, orNull: true)]) { $1 }, required: Array(key.keys)),
        "MadeKey": object(key.merging(["key": text]) { $1 }),
        "Keys": object(["keys": list(object(key)), "next": optional]),
        "NewKey": object(given.merging(["name": name]) { $1 }, required: ["name"]),
        "KeyChange": object(given.merging(["name": name]) { $1 }, required: []),
        "Rotation": object(["grace": ["type": "string", "pattern": #"^(0|[1-9][0-9]{0,2}[smhd])$"#]], required: []),
        "Roles": object(["roles": list(object(["name": text, "rules": list(text), "preset": flag]))]),
        "Question": object(
            [
                "key": text,
                "grant": object(
                    given.filter { ["role", "allow", "deny", "as", "rate", "policy"].contains($0.key) }, required: []),
                "requests": [
                    "type": "array", "minItems": 1, "maxItems": 50,
                    "items": object(
                        [
                            "method": ["type": "string", "minLength": 1, "maxLength": 32],
                            "path": ["type": "string", "pattern": "^/[!-~]*$"], "body": text,
                        ], required: ["method", "path"], open: true),
                ],
            ], required: ["requests"]),
        "Explanations": object(["explanations": list(object(["allowed": flag], required: ["allowed"], open: true))]),
        "Requests": object([
            "requests": list(
                object(
                    ["id": text, "method": text, "path": text, "route": text],
                    required: ["id", "method", "path", "route"], open: true)),
            "count": number, "worker": number, "workers": number,
        ]),
        "Figures": object(
            ["time_ms": number, "requests": ["type": "object"], "requests_in_flight": number],
            required: ["time_ms", "requests", "requests_in_flight"], open: true),
        "EventStream": ["type": "string", "description": "An event each second; its data is Figures."],
        "Status": object(
            ["version": text, "access": text, "workers": number, "certificate_ends": text, "hub": ["type": "object"]],
            required: ["version", "access", "workers", "certificate_ends", "hub"], open: true),
        "Settings": object([
            "settings": list(object(["name": text, "value": text, "from": text, "meaning": text, "reloadable": flag]))
        ]),
        "Audit": object([
            "rows": list(
                object(
                    ["n": number, "kind": text, "time": text, "result": text],
                    required: ["n", "kind", "time", "result"], open: true)), "next": optional,
        ]),
        "Verification": object(["good": flag, "lines": number, "faults": list(text), "next": optional]),
    ]

    static let text: JSON = ["type": "string"]
    static let optional: JSON = ["type": ["string", "null"]]
    static let flag: JSON = ["type": "boolean"]
    static let number: JSON = ["type": "integer"]
    private static let name: JSON = ["type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$"]

    /// As `hubgate keys --json` prints it.
    private static let key: [String: JSON] = [
        "name": text, "id": text, "role": optional, "allow": list(text), "deny": list(text), "as": optional,
        "rate": optional,
        "policy": optional, "limits": limits { _ in number }, "note": text, "created": text, "expires": optional,
        "revoked": optional,
        "previous_until": optional,
        "last_used": optional, "uses": number,
    ]

    private static let rules: JSON = [
        "type": ["array", "null"], "maxItems": 100,
        "items": [
            "type": "string",
            "pattern": "^(read|write|create|delete|discuss|search|infer) [a-z]{1,20}/([a-z]{1,20}|[*])$",
        ],
    ]

    /// What may be given of a key.
    private static let given: [String: JSON] = [
        "role": ["enum": ["reader", "writer", "maintainer", "admin", "inference", nil]], "allow": rules, "deny": rules,
        "as": ["type": ["string", "null"], "pattern": "^[a-z][a-z0-9]{0,20}$"],
        "rate": ["type": ["string", "null"], "pattern": "^[1-9][0-9]{0,5}/[smhd]$"],
        "policy": ["enum": ["enforce", "shadow", nil]],
        "limits": limits(orNull: true) { limit in
            let pattern: JSON =
                switch limit {
                case .concurrent, .inferenceADay: "^[1-9][0-9]{0,5}$"
                case .bytesADay: "^[1-9][0-9]{0,2}([KMG]i?)?B$"
                case .tokensADay: "^[1-9][0-9]{0,2}[kMG]?$"
                }
            return [
                "type": ["integer", "string", "null"], "minimum": 0, "maximum": .integer(KeyLimit.most),
                "pattern": pattern,
            ]
        },
        "expires": ["type": ["string", "null"], "pattern": "^(never|[1-9][0-9]{0,2}[smhd])$"],
        "note": ["type": ["string", "null"], "maxLength": 200, "pattern": "^[ -~]*$"],
    ]

    private static func limits(orNull: Bool = false, _ amount: (KeyLimit) -> JSON) -> JSON {
        let members = Dictionary(uniqueKeysWithValues: KeyLimit.allCases.map { ($0.settingName, amount($0)) })
        return [
            "type": orNull ? ["object", "null"] : "object", "properties": .object(members),
            "additionalProperties": false,
        ]
    }

    static func list(_ items: JSON, orNull: Bool = false) -> JSON {
        ["type": orNull ? ["array", "null"] : "array", "items": items]
    }

    /// With all members, but where `required` names fewer; with others, too, where it is `open`.
    static func object(_ members: [String: JSON], required: [String]? = nil, open: Bool = false) -> JSON {
        var schema: [String: JSON] = [
            "type": "object", "properties": .object(members),
            "required": .array((required ?? Array(members.keys)).sorted().map { .string($0) }),
        ]
        if !open { schema["additionalProperties"] = false }
        return .object(schema)
    }
}
