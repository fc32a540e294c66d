import EventIO
import HTTP
import Hub

/// What is left of the Hub's rate limit, for all workers: the ledger is in shared memory.
extension AdminServices {
    private static let mostBudgets = 100
    private static let mostShares = 50

    var budget: JSON {
        metrics.refresh()
        let names = credentialNames
        let readings = resources.broker.ledger.readings(at: RateBroker.now, limit: Self.mostBudgets)
        return [
            "budgets": .array(readings.map { json($0, names) }),
            "waiting": total(.budgetWaiting), "waits": series(.budgetWaits, MetricLabels.BudgetWait.self),
            "hub_refusals": series(.hubRefusals, MetricLabels.HubRefusal.self),
            "refusals_avoided": total(.budgetAvoided), "saved_calls": total(.cacheSavedCalls),
            "requests_shared": total(.requestsShared),
            "wait_ms": .integer(Int64(settings.budgetWait.milliseconds)),
        ]
    }

    /// The gateway's own credentials, by their digests.
    private var credentialNames: [UInt64: (source: String, name: JSON)] {
        let broker = resources.broker
        var names: [UInt64: (source: String, name: JSON)] = [broker.digest(of: nil): ("none", .null)]
        for (name, credential) in identification.credentials {
            names[broker.digest(of: credential)] = ("credentials_dir", .string(name))
        }
        if let own = identification.own { names[broker.digest(of: own)] = ("token", .null) }
        return names
    }

    private func json(_ reading: BudgetReading, _ names: [UInt64: (source: String, name: JSON)]) -> JSON {
        let view = reading.view
        let rest = view.rest(at: RateBroker.now)
        let (source, name) = names[reading.digest] ?? ("other", .null)
        return [
            "source": .string(source), "credential": name, "bucket": .string(reading.bucket.name),
            "left": .integer(Int64(view.left)), "limit": .integer(Int64(view.quota)),
            "window_seconds": .integer(Int64(view.length / 1000)), "seconds_left": .integer(Int64((rest + 999) / 1000)),
            "ends": .string(WallClock.iso8601(Int64(WallClock.microseconds / 1_000_000) + Int64(rest / 1000))),
            "calls": .integer(Int64(reading.calls)), "in_flight": .integer(Int64(reading.inFlight)),
            "short": .bool(reading.isShort), "guess": .bool(view.isGuess),
            "shares": .array(reading.shares.prefix(Self.mostShares).map(json)),
            "share_count": .integer(Int64(reading.shares.count)),
        ]
    }

    private func json(_ share: BudgetReading.Share) -> JSON {
        let name = state.keys?.identity(share.key)?.name
        return [
            "key": share.key == 0 ? .null : .string(name ?? KeyRecord.shownID(share.key)),
            "calls": .integer(Int64(share.calls)), "waits": .bool(share.waits),
        ]
    }
}

/// Metrics as the members of a response, of all workers together.
extension AdminServices {
    func total(_ metric: Metric) -> JSON { .integer(Int64(clamping: metrics.total(metric))) }

    func series<Label: MetricLabelValue>(_ metric: Metric, _ label: Label.Type) -> JSON {
        .object(
            Dictionary(
                uniqueKeysWithValues: Label.allCases.map {
                    ($0.label, .integer(Int64(clamping: metrics.total(metric, at: $0.rawValue))))
                }))
    }
}
