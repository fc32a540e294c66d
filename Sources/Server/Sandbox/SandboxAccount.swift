import Hub

/// A user of the sandbox, and the organisations the user belongs to.
struct SandboxAccount: Sendable, Equatable {
    enum Role: String, Sendable {
        case admin, read
    }

    struct Membership: Sendable, Equatable {
        let organization: String
        let role: Role
    }

    let name: String
    let fullName: String
    let memberships: [Membership]

    static let sandbox = SandboxAccount(
        name: "sandbox", fullName: "Sandbox User",
        memberships: [.init(organization: "acme", role: .admin), .init(organization: "readers", role: .read)])
    static let other = SandboxAccount(name: "other", fullName: "Another User", memberships: [])

    /// Whether the user sees what is private in `namespace`.
    func mayRead(in namespace: String?) -> Bool {
        namespace == name || memberships.contains { $0.organization == namespace }
    }

    func mayWrite(in namespace: String?) -> Bool {
        namespace == name || memberships.contains { $0.organization == namespace && $0.role == .admin }
    }

    /// The answer of `/api/whoami-v2`, with `token` as the one that asks.
    func json(for token: SandboxToken) -> JSON {
        [
            "type": "user", "id": .string(SandboxRepo.hex(24, seed: name)), "name": .string(name),
            "fullname": .string(fullName), "email": .string("\(name)@sandbox.invalid"), "emailVerified": true,
            "canPay": false, "billingMode": "prepaid", "periodEnd": nil, "isPro": false,
            "avatarUrl": .string("/avatars/\(name).svg"), "orgs": .array(memberships.map(Self.json)),
            "auth": [
                "type": "access_token",
                "accessToken": [
                    "displayName": .string(token.name), "role": .string(token.role.rawValue),
                    "createdAt": .string(SandboxRepo.timestamp(Sandbox.opening)),
                ],
            ],
        ]
    }

    private static func json(_ membership: Membership) -> JSON {
        let name = membership.organization
        return [
            "type": "org", "id": .string(SandboxRepo.hex(24, seed: name)), "name": .string(name),
            "fullname": .string(name), "email": nil, "canPay": false, "periodEnd": nil,
            "avatarUrl": .string("/avatars/\(name).svg"), "roleInOrg": .string(membership.role.rawValue),
        ]
    }
}
