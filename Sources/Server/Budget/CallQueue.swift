/// The calls that wait for a place, by share, and how many working calls each share has.
struct CallQueue {
    fileprivate struct Account {
        var working = 0
        /// In the order in which they came.
        var waiting: ArraySlice<CallLedger.Ticket> = []
        /// When the first of them came, counted in arrivals.
        var arrival = 0
    }

    private var accounts: [CallShare: Account] = [:]
    private var arrivals = 0
    private(set) var count = 0

    mutating func began(_ share: CallShare) {
        accounts[share, default: Account()].working += 1
    }

    mutating func ended(_ share: CallShare) {
        accounts[share]?.working -= 1
        forgetIfEmpty(share)
    }

    mutating func add(_ ticket: CallLedger.Ticket, _ share: CallShare) {
        arrivals += 1
        accounts[share, default: Account()].add(ticket, arrival: arrivals)
        count += 1
    }

    mutating func remove(_ ticket: CallLedger.Ticket, _ share: CallShare) {
        guard let place = accounts[share]?.waiting.firstIndex(of: ticket) else { return }
        accounts[share]?.waiting.remove(at: place)
        count -= 1
        forgetIfEmpty(share)
    }

    /// Whether a share has fewer working calls than `few`, and none of its calls waits.
    func mayHaveReserve(_ share: CallShare, below few: Int) -> Bool {
        guard let account = accounts[share] else { return true }
        return account.working < few && account.waiting.isEmpty
    }

    /// The first one of the share that has the fewest working calls, if these are fewer than `most`; of several such shares, the one that has
    /// waited longest.
    mutating func next(below most: Int) -> CallLedger.Ticket? {
        var best: (share: CallShare, working: Int, arrival: Int)?
        for (share, account) in accounts where !account.waiting.isEmpty && account.working < most {
            if let best, (best.working, best.arrival) < (account.working, account.arrival) { continue }
            best = (share, account.working, account.arrival)
        }
        guard let share = best?.share, let ticket = accounts[share]?.waiting.popFirst() else { return nil }
        // Its next call comes after the first ones of the other shares.
        arrivals += 1
        accounts[share]?.arrival = arrivals
        count -= 1
        forgetIfEmpty(share)
        return ticket
    }

    /// Makes room for a call of `share`, where another share has at least two more waiting calls: takes out the last call of the longest queue.
    /// Nil: there is no such share.
    mutating func pushOut(for share: CallShare) -> CallLedger.Ticket? {
        guard let longest = accounts.max(by: { $0.value.waiting.count < $1.value.waiting.count }),
            longest.value.waiting.count > (accounts[share]?.waiting.count ?? 0) + 1,
            let ticket = accounts[longest.key]?.waiting.popLast()
        else { return nil }
        count -= 1
        return ticket
    }

    private mutating func forgetIfEmpty(_ share: CallShare) {
        guard let account = accounts[share], account.working <= 0, account.waiting.isEmpty else { return }
        accounts[share] = nil
    }
}

extension CallQueue.Account {
    fileprivate mutating func add(_ ticket: CallLedger.Ticket, arrival: Int) {
        if waiting.isEmpty { self.arrival = arrival }
        waiting.append(ticket)
    }
}
