/// All settings that decide how a response of the Hub is changed on its way to a client, or what the Hub is asked: a response that was kept
/// under others is not given out. The token is not among them; it is a matter of the partition.
struct ResponseShape: Equatable {
    private let upstream: UpstreamAddress
    private let basePath: String
    private let publicURL: UpstreamAddress?
    private let xet: XetChoice
    private let contentHosts: [String]
    private let isStrict: Bool
    private let billTo: String?
    private let trustedOrigins: TrustedOrigins

    init(_ settings: Settings) {
        upstream = settings.upstream
        basePath = settings.basePath
        publicURL = settings.publicURL
        xet = settings.xetInUse
        contentHosts = settings.contentHosts.names + settings.contentHosts.origins
        isStrict = settings.strictLeaks
        billTo = settings.billTo
        trustedOrigins = settings.trustedOrigins
    }

    /// The same texts for the same shape in each worker, and different ones for different shapes.
    var texts: [String] {
        [
            "\(upstream)", basePath, publicURL.map { "\($0)" } ?? "", xet.rawValue, "\(isStrict)", billTo ?? "",
            billTo == nil ? "" : "bill", "\(trustedOrigins.isEvery)", "\(contentHosts.count)",
        ] + contentHosts + trustedOrigins.names
    }
}
