extension HomePage {
    /// What the gateway last learned of the Hub.
    enum HubState: Sendable {
        /// The Hub answered the gateway's token as that account.
        case reachable(name: String)
        /// The gateway has no token of its own.
        case noToken
        case unreachable(reason: String)
        /// Nobody has asked the Hub yet.
        case unknown
    }

    /// How `hub` is said. Each mood has its colour, and `headline` says the same to who does not see it.
    struct HubStatus {
        enum Mood: String { case good, warn, bad, idle }

        let mood: Mood
        let headline: String
        /// What follows the headline, from its punctuation on.
        let detail: String
    }

    var hubStatus: HubStatus {
        switch hub {
        case .reachable(let name):
            HubStatus(mood: .good, headline: "Reachable", detail: " as \(name)")
        case .noToken where isPassthrough:
            // Here it is meant to be so.
            HubStatus(mood: .idle, headline: "No token here", detail: ": each client brings its own")
        case .noToken:
            HubStatus(mood: .warn, headline: "No token", detail: ": calls to the Hub answer 503; set HF_ACCESS_TOKEN")
        case .unreachable(let reason):
            HubStatus(mood: .bad, headline: "Unreachable", detail: ": \(reason)")
        case .unknown:
            HubStatus(mood: .idle, headline: "Not asked yet", detail: ": the first request will tell")
        }
    }
}
