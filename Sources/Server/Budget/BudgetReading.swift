import EventIO
import Hub

/// How one of the Hub's budgets is, for the operator of the gateway.
struct BudgetReading {
    /// What one share has had of the window.
    struct Share {
        /// The key's public id; 0: a network of clients.
        let key: Int64
        let calls: Int
        /// One of its calls waits, in some worker.
        let waits: Bool
    }

    /// Of the credential (`RateBroker.digest`).
    let digest: UInt64
    let bucket: HubBucket
    let view: BudgetWindow.View
    /// Calls that went in this window, and those of them without an answer yet.
    let calls: Int
    let inFlight: Int
    /// Whether calls have to wait for their turn.
    let isShort: Bool
    /// The most calls first.
    let shares: [Share]
}

extension BudgetLedger {
    /// All that are known, the one with the smallest part left first; at most `limit` of them.
    func readings(at now: Int, limit: Int) -> [BudgetReading] {
        known.compactMap { digest, bucket, window -> (UInt64, HubBucket, BudgetWindow, BudgetWindow.View)? in
            guard !window.isOver(at: now), let view = window.look(at: now), view.quota > 0 else { return nil }
            return (digest, bucket, window, view)
        }
        .sorted { $0.3.left * $1.3.quota < $1.3.left * $0.3.quota }
        .prefix(limit)
        .map { digest, bucket, window, view in
            BudgetReading(
                digest: digest, bucket: bucket, view: view, calls: window.count(.released, of: view.number),
                inFlight: window.count(.inFlight, of: view.number), isShort: window.isShort(view, at: now),
                shares: window.shares(of: view.number, at: now))
        }
    }
}

extension BudgetWindow {
    /// Those that have had a call in the window, or wait for one.
    fileprivate func shares(of number: UInt64, at now: Int) -> [BudgetReading.Share] {
        (0..<Self.shares).compactMap { place in
            let calls = count(at: index(place, .spent), of: number)
            let waits = all.load(index(place, .waiting)) > UInt64(now)
            guard calls > 0 || waits else { return nil }
            return BudgetReading.Share(
                key: Int64(bitPattern: all.load(index(place, .owner))), calls: calls, waits: waits)
        }
        .sorted { $0.calls > $1.calls }
    }
}
