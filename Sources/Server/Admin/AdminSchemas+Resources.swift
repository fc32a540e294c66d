import Hub

/// The schemas of the Hub's budget and the caches.
extension AdminSchemas {
    static let resources: [String: JSON] = [
        "Usage": object([
            "by": text, "since": text, "until": text, "usage_days": number, "count": number, "total": object(counts),
            "rows": list(object(counts, open: true)),
        ]),
        "Budget": object([
            "budgets": list(
                object([
                    "source": ["enum": ["token", "credentials_dir", "none", "other"]], "credential": optional,
                    "bucket": text, "left": number, "limit": number, "window_seconds": number, "seconds_left": number,
                    "ends": text, "calls": number, "in_flight": number, "short": flag, "guess": flag,
                    "shares": list(object(["key": optional, "calls": number, "waits": flag])), "share_count": number,
                ])),
            "waiting": number, "waits": object(labels(MetricLabels.BudgetWait.self)),
            "hub_refusals": object(labels(MetricLabels.HubRefusal.self)), "refusals_avoided": number,
            "saved_calls": number, "requests_shared": number, "wait_ms": number,
        ]),
        "Cache": object(["responses": keptResponses, "files": keptFiles]),
        "Purge": object(
            [
                "repositories": [
                    "type": "array", "maxItems": 20,
                    "items": ["type": "string", "pattern": "^[0-9A-Za-z]{1,20}/[0-9A-Za-z]{1,20}$"],
                ], "all": flag,
            ], required: []),
        "KeptFiles": object([
            "files": list(
                object([
                    "sha256": text, "size": number, "held": number, "complete": flag, "hits": number, "pinned": flag,
                    "created": text,
                ])),
            "next": optional,
        ]),
    ]

    private static let counts = UsageReport.Counts().members.mapValues { _ in number }
    private static let ratio: JSON = ["type": ["number", "null"], "minimum": 0, "maximum": 1]
    private static let outcomes = object(labels(MetricLabels.CacheResult.self))

    private static let keptResponses = object([
        "on": flag, "capacity_bytes": number, "bytes": number, "responses": number, "stored": number,
        "evictions": number, "saved_calls": number, "requests": outcomes, "hit_ratio": ratio,
        "workers": list(
            object(["worker": number, "bytes": number, "responses": number, "requests": outcomes, "hit_ratio": ratio])),
    ])

    private static let keptFiles = object([
        "on": flag, "directory": text, "capacity_bytes": number, "bytes": number, "files": number,
        "requests": object(labels(MetricLabels.FileCacheResult.self)), "hit_ratio": ratio, "sent_bytes": number,
        "filled_bytes": number, "evictions": number, "corrupt": object(labels(MetricLabels.Corruption.self)),
        "workers_up": number, "peer_bytes": number, "peer_requests": object(labels(MetricLabels.PeerResult.self)),
        "peer_calls": object(labels(MetricLabels.PeerAnswer.self)),
    ])

    /// A number by each value of a label.
    private static func labels<Label: MetricLabelValue>(_ label: Label.Type) -> [String: JSON] {
        Dictionary(uniqueKeysWithValues: Label.allCases.map { ($0.label, number) })
    }
}
