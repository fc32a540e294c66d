import EventIO
import Hub

extension MetricLabels {
    /// The requests that the Hub counts together.
    enum Bucket: Int, MetricLabelValue {
        case api, resolvers, pages
    }

    /// What happened to a request that waited for the Hub's budget.
    enum BudgetWait: Int, MetricLabelValue {
        case given, refused, left
    }

    /// What happened to a 429 of the Hub.
    enum HubRefusal: Int, MetricLabelValue {
        case retried, passed
    }
}

extension MetricsTable {
    static let budget = Group(
        title: "The Hub's budget",
        rows: [
            MetricRow(
                .budgetLeft, "hubgate_budget_left", .gauge,
                "Requests that are left in the Hub's window, of the credential with the smallest share left; 0 too as long as the Hub "
                    + "has told of none.",
                by: [MetricLabel("bucket", MetricLabels.Bucket.self)]),
            MetricRow(
                .budgetQuota, "hubgate_budget_limit", .gauge,
                "Requests of that credential's whole window; 0 as long as the Hub has told of none.",
                by: [MetricLabel("bucket", MetricLabels.Bucket.self)]),
            MetricRow(
                .budgetWaiting, "hubgate_budget_waiting", .gauge, "Requests that wait for the Hub's budget now."),
            MetricRow(
                .budgetWaits, "hubgate_budget_waits_total", .counter,
                "Requests that did not go at once because the budget was short (given: went then; refused: got 429 BudgetSpent from "
                    + "the gateway; left: their client did).",
                by: [MetricLabel("result", MetricLabels.BudgetWait.self)]),
            MetricRow(
                .budgetSeconds, "hubgate_budget_wait_seconds", .histogram,
                "How long requests waited for the budget.", unit: .microseconds),
            MetricRow(
                .hubRefusals, "hubgate_hub_refusals_total", .counter,
                "429s of the Hub (retried: waited out and asked again; passed: the client got it).",
                by: [MetricLabel("outcome", MetricLabels.HubRefusal.self)]),
            MetricRow(
                .budgetAvoided, "hubgate_budget_refusals_avoided_total", .counter,
                "An estimate of the 429s that clients were spared: requests that waited for the budget, and that the Hub then answered."
            ),
        ])
}

extension RateBroker {
    /// Puts the counts of this broker, and the state of the budgets, into the metrics.
    func report(to metrics: Metrics) {
        metrics.set(.budgetWaiting, to: waiting.count)
        metrics.set(.budgetWaits, at: MetricLabels.BudgetWait.given, to: counts.given)
        metrics.set(.budgetWaits, at: MetricLabels.BudgetWait.refused, to: counts.refused)
        metrics.set(.budgetWaits, at: MetricLabels.BudgetWait.left, to: counts.left)
        metrics.set(.hubRefusals, at: MetricLabels.HubRefusal.retried, to: counts.retried)
        metrics.set(.hubRefusals, at: MetricLabels.HubRefusal.passed, to: counts.passed)
        metrics.set(.budgetAvoided, to: counts.avoided)
        guard metrics.speaksForAll else { return }
        for bucket in HubBucket.allCases {
            let scarcest = ledger.scarcest(bucket, at: Self.now)
            metrics.set(.budgetLeft, at: bucket.rawValue, to: scarcest?.left ?? 0)
            metrics.set(.budgetQuota, at: bucket.rawValue, to: scarcest?.quota ?? 0)
        }
    }
}
