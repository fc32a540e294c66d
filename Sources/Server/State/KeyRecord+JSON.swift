import EventIO
import Hub

/// A key for programs: in `hubgate keys --json` and the admin API, so that the two are the same.
extension KeyRecord {
    func json(_ use: KeyUse?) -> JSON { .object(members(use)) }

    /// Nil where the old secret does not work any more.
    private var oldSecretUntil: Int64? {
        guard revoked == nil, let until = previous?.until, until > WallClock.microseconds / 1_000_000 else {
            return nil
        }
        return until
    }

    func members(_ use: KeyUse?) -> [String: JSON] {
        func time(_ seconds: Int64?) -> JSON { seconds.map { .string(WallClock.iso8601($0)) } ?? .null }
        func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
        return [
            "name": .string(name), "id": .string(Self.shownID(publicID)), "role": text(grant.role),
            "allow": .array(grant.allow.map { .string($0) }), "deny": .array(grant.deny.map { .string($0) }),
            "as": text(grant.credential), "rate": text(grant.rate), "policy": text(grant.policy),
            "limits": (grant.limits.flatMap { KeyLimits($0) } ?? KeyLimits()).json,
            "note": .string(note), "created": time(created), "expires": time(expires), "revoked": time(revoked),
            "previous_until": time(oldSecretUntil), "last_used": time(use?.lastUsed),
            "uses": .integer(use?.uses ?? 0),
        ]
    }
}
