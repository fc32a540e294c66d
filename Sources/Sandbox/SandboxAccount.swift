package import Hub

/// A user of the sandbox, and the organisations the user belongs to.
package struct SandboxAccount: Sendable, Equatable {
    package enum Role: String, Sendable {
        case admin, read
    }

    package struct Membership: Sendable, Equatable {
        package let organization: String
        package let role: Role
    }

    package let name: String
    package let fullName: String
    package let memberships: [Membership]

    package static let sandbox = SandboxAccount(
        name: "sandbox", fullName: "Sandbox User",
        memberships: [.init(organization: "acme", role: .admin), .init(organization: "readers", role: .read)])
    package static let other = SandboxAccount(name: "other", fullName: "Another User", memberships: [])

    /// Whether the user may see private repositories in `namespace`.
    package func mayRead(in namespace: String?) -> Bool {
        namespace == name || memberships.contains { $0.organization == namespace }
    }

    package func mayWrite(in namespace: String?) -> Bool {
        namespace == name || memberships.contains { $0.organization == namespace && $0.role == .admin }
    }

    /// The response of `/api/whoami-v2`, with `token` as the one that asks.
    package func json(for token: SandboxToken) -> JSON {
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
