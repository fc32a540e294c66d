import EventIO
import HTTP
import Hub

/// Counts leaks, and logs each kind once.
@EventLoop
final class LeakReporter {
    /// A bound, since a Hub chooses the hosts.
    private static let most = 1000

    private let metrics: Metrics
    private let warn: (String) -> Void
    private var reported: Set<UpstreamLeak> = []

    /// `warn` gets one line, without a path or a query.
    init(metrics: Metrics, warn: @escaping (String) -> Void) {
        self.metrics = metrics
        self.warn = warn
    }

    func note(_ leak: UpstreamLeak) {
        metrics.add(.leaks, at: leak.place.rawValue)
        guard reported.count < Self.most, reported.insert(leak).inserted else { return }
        warn(
            "A response of the Hub leads clients past this gateway: \(leak.place.words) names \(leak.host). "
                + "hubgate_upstream_leaks_total counts them; strict_leaks answers 502 instead.")
    }
}

extension Upstream {
    /// Checks a head that is about to go out. `gateway` is this gateway's address, as the client knows it.
    /// Throws `hubBroken` with `strict_leaks`.
    func check(_ headers: Headers, gateway: String) throws(Failure) {
        guard let leak = detector.leak(in: headers, gateway: gateway) else { return }
        try found(leak)
    }

    /// Checks JSON in the same way as it passes; a leak that is found there is counted once.
    func scanner(gateway: String, _ authored: AuthoredURLs) -> URLScanner {
        var isFound = false
        return URLScanner { (url) throws(Failure) in
            guard !isFound, !authored.contains(url), let host = self.detector.host(in: url, gateway: gateway) else {
                return
            }
            isFound = true
            try self.found(UpstreamLeak(place: .body, host: host))
        }
    }

    private func found(_ leak: UpstreamLeak) throws(Failure) {
        leaks.note(leak)
        if isStrict { throw .leak(to: leak.host, in: leak.place.words) }
    }
}

/// URLs in a JSON text that an author has written: a client that follows one does what the author wanted, and not the Hub.
final class AuthoredURLs {
    /// Beyond this number, and beyond this length in bytes, URLs are not told apart from others.
    private static let (most, longest) = (1024, 512)

    private var seen: Set<String> = []

    func note(_ url: String) {
        if seen.count < Self.most { seen.insert(Self.key(url)) }
    }

    func contains(_ url: String) -> Bool { !seen.isEmpty && seen.contains(Self.key(url)) }

    private static func key(_ url: String) -> String {
        url.utf8.count <= longest ? url : String(decoding: url.utf8.prefix(longest), as: UTF8.self)
    }
}

extension Failure {
    /// The Hub's response would lead a client past this gateway. `place`: `.leak(to: "cdn.hf.co", in: "Link")`.
    fileprivate static func leak(to host: String, in place: String) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The Hub has answered, but \(place) of its response leads to \(host), past this gateway. Its operator can look at hubgate_upstream_leaks_total, and let such answers pass by strict_leaks."
        )
    }
}
