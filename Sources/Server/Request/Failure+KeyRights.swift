import Hub

/// What a client is told whose key may do nothing, or is not what it was.
extension Failure {
    /// Whose role or rules the gateway does not understand.
    static func uselessKey(_ name: String) -> Failure {
        Failure(
            .denied,
            detail:
                "The gateway key \(name) may do nothing: its role is not defined, or one of its rules is not understood. "
                + "The operator of this gateway finds why in its log.")
    }

    /// What the key may do has changed since it got the URL.
    static var signedURLOfOtherRights: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "What the key may do by which this address was got has changed since. Ask the Hub's own path for it again."
        )
    }

    /// The key by which a signed URL was got is no good any more.
    static var signedURLRevoked: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "The key by which this address was got was revoked or has expired. Ask the Hub's own path again, with a good one."
        )
    }

    /// It may still be allowed, and would be asked in another way now.
    static var rightsChanged: Failure {
        Failure(
            .tooBusy,
            detail:
                "What this gateway key may do was changed before the request was made, so it was not made. Send it again.",
            retryAfter: 1)
    }
}
