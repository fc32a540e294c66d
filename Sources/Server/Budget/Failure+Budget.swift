import Hub

/// Of a budget that is spent: what clients are told.
struct BudgetSpending {
    /// The requests of all clients that share the credential, in `window` seconds.
    let quota: Int
    let window: Int
    /// What of it is the client's.
    let share: Int
    /// The key that has spent most, and how much.
    let greatest: (name: String, spent: Int)?
}

extension Failure {
    /// The Hub would answer 429, so it is not asked. `seconds`: until there is a budget again.
    static func budgetSpent(_ bucket: HubBucket, seconds: Int, _ spending: BudgetSpending?) -> Failure {
        var detail = "The Hub's limit for \(bucket.words) is reached"
        if let spending {
            detail += ": \(spending.quota) in \(spending.window) s for all who ask with the same token."
            if let greatest = spending.greatest {
                detail += " The key \(greatest.name) has made most of them, \(greatest.spent)."
            }
        } else {
            detail += "."
        }
        return Failure(
            .budgetSpent(bucket: bucket.name, limit: spending?.share ?? 1, seconds: spending?.window ?? seconds),
            detail: "\(detail) Try again in \(seconds) s.", retryAfter: seconds)
    }
}

extension HubBucket {
    fileprivate var words: String {
        switch self {
        case .api: "requests of its API"
        case .resolvers: "requests of files"
        case .pages: "requests of pages"
        }
    }
}
