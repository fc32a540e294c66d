package import HTTP
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

    /// Whether the user sees what is private in `namespace`.
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

/// How many requests each caller has left in a fixed window of five minutes, as the Hub counts and tells it
/// (huggingface.co/docs/hub/rate-limits).
package struct SandboxQuota {
    /// What is counted together: one kind of path, one credential.
    package struct Bucket: Hashable {
        package let kind: String
        package let credential: String

        package init(_ target: Target, _ credential: SandboxCredential) {
            let segments = target.segments
            kind = segments.first == "api" ? "api" : segments.contains("resolve") ? "resolvers" : "pages"
            self.credential = credential.name
        }
    }

    package let limit: Int
    /// Whether a caller who has none left is refused; otherwise one is always left.
    package let enforced: Bool
    package static let window: Int64 = 300

    private var used: [Bucket: Int] = [:]
    private var opened: Int64 = 0

    package init(limit: Int, enforced: Bool) {
        self.limit = limit
        self.enforced = enforced
    }

    /// Counts a request; false if it is one too many.
    package mutating func spend(_ bucket: Bucket, now: Int64) -> Bool {
        if now - opened >= Self.window {
            used = [:]
            opened = now
        }
        let spent = used[bucket, default: 0]
        guard spent < limit else { return !enforced }
        used[bucket] = spent + 1
        return true
    }

    /// Until every caller has the whole quota again.
    package func secondsLeft(now: Int64) -> Int64 { max(1, opened + Self.window - now) }

    /// The RateLimit field.
    package func state(of bucket: Bucket, now: Int64) -> String {
        let left = max(limit - used[bucket, default: 0], enforced ? 0 : 1)
        return "\"\(bucket.kind)\";r=\(left);t=\(secondsLeft(now: now))"
    }

    /// The RateLimit-Policy field.
    package func policy(of bucket: Bucket) -> String {
        "\"fixed window\";\"\(bucket.kind)\";q=\(limit);w=\(Self.window)"
    }
}
