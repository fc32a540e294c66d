import EventIO
import HTTP

/// A response that is kept, as it goes out to a client.
@EventLoop
final class CachedResponse {
    let response: RecordedResponse
    let lifetime: CacheRules.Lifetime
    /// The Hub's own `ETag`, by which it says whether this is still what it has; nil where it gave none.
    let validator: String?
    /// Counts of changes from before the Hub was asked.
    let mark: WriteEpochs.Mark
    /// Names and values of the request's fields by which the Hub chose this response.
    private let chosenBy: [(name: String, value: String?)]
    /// When the Hub has last said that this is right.
    private(set) var validated: MonotonicInstant
    /// How old it was then, in seconds (RFC 9111 section 4.2.3).
    private var ageThen: Int
    /// The Hub is being asked whether it is still right.
    var isRevalidating = false

    /// Fields of one response alone: who asked, and what was left of the budget then.
    private static let ofOneResponse = CaselessWords([
        "X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After", "Age", "Cache-Status",
    ])
    /// By these a response is chosen by the key, or by the partition.
    private static let inKey = CaselessWords(["Accept", "Accept-Encoding", "Authorization", "Cookie", "Origin", "Host"])

    init(
        _ response: RecordedResponse, lifetime: CacheRules.Lifetime, validator: String?, mark: WriteEpochs.Mark,
        to request: Request, asked: MonotonicInstant
    ) {
        ageThen = response.headers["Age"].flatMap { Int($0) } ?? 0
        chosenBy = Self.choosing(response.headers, request)
        var kept = response
        kept.headers.removeAll(Self.ofOneResponse)
        self.response = kept
        self.lifetime = lifetime
        self.validator = validator
        self.mark = mark
        validated = asked
    }

    /// The fields of the request by which the response was chosen, besides those of the key (RFC 9110 section 12.5.5).
    static func choosing(_ headers: Headers, _ request: Request) -> [(name: String, value: String?)] {
        guard headers.contains("Vary") else { return [] }
        return headers.values(of: "Vary").flatMap { $0.split(separator: ",") }.prefix(16).compactMap { part in
            let name = String(part.filter { $0 != " " && $0 != "\t" })
            return inKey.contains(name.utf8.span) ? nil : (name, request.headers[name])
        }
    }

    /// Whether the Hub would have chosen it for this request, too.
    func fits(_ request: Request) -> Bool {
        chosenBy.allSatisfy { request.headers[$0.name] == $0.value }
    }

    /// In seconds.
    func age(at now: MonotonicInstant) -> Int { ageThen + now.microseconds(since: validated) / 1_000_000 }

    /// The Hub has said that it is still right.
    func validate(at moment: MonotonicInstant) {
        (validated, ageThen, isRevalidating) = (moment, 0, false)
    }

    /// Of memory, in bytes, more or less.
    var size: Int { response.content.count + response.headers.bytes.count + 512 }
}
