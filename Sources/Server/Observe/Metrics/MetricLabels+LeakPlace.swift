extension MetricLabels {
    /// Where a response of the Hub still leads past the gateway.
    enum LeakPlace: Int, MetricLabelValue {
        case location, contentLocation, link, refresh, xetCasUrl, xetRefreshRoute
        /// A member of rewritten JSON.
        case body

        /// For a sentence.
        var words: String {
            switch self {
            case .location: "Location"
            case .contentLocation: "Content-Location"
            case .link: "Link"
            case .refresh: "Refresh"
            case .xetCasUrl: "X-Xet-Cas-Url"
            case .xetRefreshRoute: "X-Xet-Refresh-Route"
            case .body: "the JSON"
            }
        }
    }
}
