import Hub

/// Why a call below `/-/peer/` is not accepted as another replica's.
enum PeerRefusal {
    case unknown, repeated

    var code: String {
        switch self {
        case .unknown: "PeerUnknown"
        case .repeated: "PeerCallRepeated"
        }
    }

    private var detail: String {
        switch self {
        case .unknown: "This path is for replicas of this gateway, which sign what they ask (peer_secret_file)."
        case .repeated: "This call was made before: each call of a replica has its own signature."
        }
    }

    var failure: Failure { Failure(.unidentified(code: code), detail: detail) }
}

extension Failure {
    /// By this gateway's list another replica fetches that file.
    static var notOwner: Failure {
        Failure(
            .denied,
            detail: "By the peers of this gateway another one fetches this file: give all of them the same peers.")
    }
}
