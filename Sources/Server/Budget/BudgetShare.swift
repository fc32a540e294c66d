import EventIO

/// What a call of the Hub's budget is counted for: a gateway key, or without keys the client's network (as `CallShare`).
///
/// It is a place in memory of a fixed size. Keys and networks that have the same place have one share together.
struct BudgetShare: Equatable, Sendable {
    let place: Int
    /// At least 1.
    let weight: Int
    /// The key's public id; 0 for none.
    let key: Int64

    static let heaviest = 100

    init(place: Int, weight: Int = 1, key: Int64 = 0) {
        self.place = place & (BudgetWindow.shares - 1)
        self.weight = min(max(weight, 1), Self.heaviest)
        self.key = key
    }

    init(_ key: KeyIdentity) {
        self.init(place: Int(truncatingIfNeeded: key.number), weight: key.grant.weight, key: key.publicID)
    }

    /// Hashed with a seed that is drawn when the program is loaded, before it forks: no client can choose with whom it shares, and all
    /// workers have the same seed.
    init(address: String) {
        var hasher = Hasher()
        if address.utf8.contains(UInt8(ascii: ":")) {
            hasher.combine(IPAddress.network(of: address))
        } else {
            hasher.combine(address[...])
        }
        self.init(place: hasher.finalize())
    }

    @EventLoop init(_ context: RequestContext) {
        if let key = context.principal.key { self.init(key) } else { self.init(address: context.address) }
    }
}

/// What each share has had of a window.
extension BudgetWindow {
    enum ShareWord: Int {
        /// Its calls in this window.
        case spent
        /// Where its next call stands in the fair order.
        case tag
        /// Until when one of its calls is known to wait, in some worker.
        case waiting
        /// The key that had the place last.
        case owner
    }

    func index(_ share: Int, _ word: ShareWord) -> Int {
        base + Self.header + share * Self.shareWords + word.rawValue
    }

    func noteSpent(_ share: BudgetShare, _ number: UInt64) {
        let spent = add(1, at: index(share.place, .spent), of: number)
        guard spent == 1 else { return }
        add(share.weight, to: .weights, of: number)
        all.store(index(share.place, .owner), UInt64(bitPattern: share.key))
    }

    func spent(_ share: BudgetShare, of number: UInt64) -> Int { count(at: index(share.place, .spent), of: number) }

    /// The weights of all shares that had a call in the window, and of this one in any case.
    func weights(with share: BudgetShare, of number: UInt64) -> Int {
        let others = count(.weights, of: number)
        return max(spent(share, of: number) > 0 ? others : others + share.weight, share.weight)
    }

    /// The key that has had most of the window, 0 where that is no key, and how many calls.
    func greatest(of number: UInt64) -> (key: Int64, spent: Int) {
        var greatest: (key: Int64, spent: Int) = (0, 0)
        for place in 0..<Self.shares {
            let spent = count(at: index(place, .spent), of: number)
            guard spent > greatest.spent else { continue }
            greatest = (Int64(bitPattern: all.load(index(place, .owner))), spent)
        }
        return greatest
    }
}
