import EventIO
import HTTP
import Hub

/// Where the Hub has redirected a principal for a file: it names the file, and shows the right to it. While it is as young as `metadata_ttl` the Hub is
/// not asked again; where the Hub cannot be asked it stands in for `stale_if_error`. It is kept only where `cache_memory` keeps responses, and never
/// past a change of the repository that went through this gateway.
@EventLoop
final class ResolvedFiles {
    struct Key: Hashable {
        let partition: CachePartition
        let target: String
        /// By it the Hub may choose another response than the redirect.
        let accept: String
    }

    final class Resolved {
        /// The Hub's redirect, without fields of one response alone.
        let redirect: Transfer.Head
        fileprivate let nominated: NominatedFields
        fileprivate let mark: WriteEpochs.Mark
        fileprivate let asked: MonotonicInstant

        fileprivate init(_ redirect: Transfer.Head, _ nominated: NominatedFields, of question: Question) {
            (self.redirect, self.nominated) = (redirect, nominated)
            (mark, asked) = (question.mark, question.asked)
        }
    }

    /// A request, as far as it is known before the Hub is asked.
    struct Question {
        let key: Key
        fileprivate let mark: WriteEpochs.Mark
        fileprivate let asked = MonotonicInstant.now
        fileprivate let isShared: Bool
    }

    /// Bytes of memory.
    private static let most = 4 << 20
    private static let ofOneResponse = CaselessWords([
        "X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After", "Age", "Cache-Status", "Date",
    ])
    /// Requests with these fields always go to the Hub.
    private static let ofItsOwn = CaselessWords([
        "Origin", "Cookie", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
    ])

    private let epochs: WriteEpochs
    private var times: ResponseCache.Times
    private var isOn: Bool
    private var store = S3FIFO<Key, Resolved>(capacity: most)

    init(_ settings: Settings, epochs: WriteEpochs) {
        self.epochs = epochs
        times = ResponseCache.Times(settings)
        isOn = settings.cacheMemory.bytes > 0
    }

    func use(_ settings: Settings) {
        times = ResponseCache.Times(settings)
        isOn = settings.cacheMemory.bytes > 0
        if !isOn { store = S3FIFO(capacity: Self.most) }
    }

    /// Nil for a request that this does not apply to: only reads of files.
    func question(_ request: Request, _ context: RequestContext) -> Question? {
        guard isOn, request.method.isSafe, context.target.pathContains("/resolve/"),
            context.target.pathAndQuery.utf8.count <= 2048, !request.headers.contains(anyOf: Self.ofItsOwn),
            !request.headers.isRepeated("Accept"), request.headers["Accept"]?.utf8.count ?? 0 <= 256,
            !request.headers.withholdsFields
        else { return nil }
        let directives = CacheDirectives(request: request.headers)
        guard !directives.noStore else { return nil }
        let operation = HubOperation.find(.get, context.target)
        guard operation.resource.form == .repo else { return nil }
        let partition = context.principal.isLent ? context.principal.account : context.principal.partition
        return Question(
            key: Key(
                partition: partition, target: context.target.pathAndQuery, accept: request.headers["Accept"] ?? ""),
            mark: epochs.mark(operation.resource), isShared: partition == .client(nil))
    }

    /// A redirect that is young enough, unless the request asks for a newer one.
    func fresh(_ question: Question, _ request: Request) -> Resolved? {
        let directives = CacheDirectives(request: request.headers)
        guard let found = find(question, request), !directives.noCache else { return nil }
        let age = MonotonicInstant.now.microseconds(since: found.asked) / 1_000_000
        return age < min(times.fresh, directives.maxAge ?? .max) ? found : nil
    }

    /// A redirect that stands in for a Hub that cannot be asked.
    func standIn(_ question: Question, _ request: Request) -> Resolved? {
        guard let found = find(question, request) else { return nil }
        let age = MonotonicInstant.now.microseconds(since: found.asked) / 1_000_000
        return age < times.fresh + times.onError ? found : nil
    }

    private func find(_ question: Question, _ request: Request) -> Resolved? {
        guard let found = store.find(question.key), found.nominated.fit(request) else { return nil }
        guard epochs.isCurrent(found.mark) else {
            store.remove(question.key)
            return nil
        }
        return found
    }

    /// Takes up the Hub's response: a redirect to a file, or another one, which removes the redirect that was known.
    func note(_ head: Transfer.Head, for question: Question, _ request: Request) {
        guard head.status.isRedirect, head.headers["X-Linked-Etag"].flatMap({ BlobName(etag: $0) }) != nil,
            CacheRules.allows(head, isShared: question.isShared),
            // The redirect's own content is dropped, and its coding with it.
            let nominated = NominatedFields(head.headers, of: request)
        else {
            if head.status.code < 500, head.status.code != 429, head.status.code != 304 { store.remove(question.key) }
            return
        }
        var kept = head
        kept.headers.removeAll(Self.ofOneResponse)
        store.insert(
            question.key, Resolved(kept, nominated, of: question),
            bytes: kept.headers.bytes.count + question.key.target.utf8.count + 512)
    }
}
