import Hub

/// Failures for clients whose keys allow nothing, or have changed.
extension Failure {
    /// The gateway does not understand the key's role or rules.
    static func uselessKey(_ name: String) -> Failure {
        Failure(
            .denied,
            detail:
                "The gateway key \(name) may do nothing: its role is not defined, or one of its rules is not understood. "
                + "The operator of this gateway finds why in its log.")
    }

    /// The key's rights have changed since it got the URL.
    static var signedURLOfOtherRights: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "What the key may do by which this address was got has changed since. Ask the Hub's own path for it again."
        )
    }

    /// The key for which the URL was signed is not valid any more.
    static var signedURLRevoked: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "The key by which this address was got was revoked or has expired. Ask the Hub's own path again, with a good one."
        )
    }

    /// The request may still be allowed, but would be made in another way now.
    static var rightsChanged: Failure {
        Failure(
            .tooBusy,
            detail:
                "What this gateway key may do was changed before the request was made, so it was not made. Send it again.",
            retryAfter: 1)
    }
}
