import EventIO
import HTTP
import Hub

/// Where the Hub has led a principal for a file: what it names, and by that the right to it. As young as `metadata_ttl` that spares the Hub a question;
/// where the Hub cannot be asked it stands in for `stale_if_error`. It is kept only where `cache_memory` keeps responses, and never past a change of the
/// repository that went through this gateway.
@EventLoop
final class ResolvedFiles {
    struct Key: Hashable {
        let partition: CachePartition
        let target: String
        /// By it the Hub may choose something else than the file.
        let accept: String
    }

    final class Resolved {
        /// The Hub's redirect, without what was of one response alone.
        let redirect: Transfer.Head
        fileprivate let nominated: NominatedFields
        fileprivate let mark: WriteEpochs.Mark
        fileprivate let asked: MonotonicInstant

        fileprivate init(_ redirect: Transfer.Head, _ nominated: NominatedFields, of question: Question) {
            (self.redirect, self.nominated) = (redirect, nominated)
            (mark, asked) = (question.mark, question.asked)
        }
    }

    /// What is known from before the Hub is asked.
    struct Question {
        let key: Key
        fileprivate let mark: WriteEpochs.Mark
        fileprivate let asked = MonotonicInstant.now
        fileprivate let isShared: Bool
    }

    /// Of memory.
    private static let most = 4 << 20
    private static let ofOneResponse = CaselessWords([
        "X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After", "Age", "Cache-Status", "Date",
    ])
    /// With these the Hub has to be asked.
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

    /// Nil for what is not for this: only a file that somebody reads has a place here.
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

    /// What is young enough for a request that does not ask for what is newer.
    func fresh(_ question: Question, _ request: Request) -> Resolved? {
        let directives = CacheDirectives(request: request.headers)
        guard let found = find(question, request), !directives.noCache else { return nil }
        let age = MonotonicInstant.now.microseconds(since: found.asked) / 1_000_000
        return age < min(times.fresh, directives.maxAge ?? .max) ? found : nil
    }

    /// What stands in for a Hub that cannot be asked.
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

    /// The Hub has answered: with a redirect to a file, or with something else, which ends what was known.
    func note(_ head: Transfer.Head, for question: Question, _ request: Request) {
        guard head.status.isRedirect, head.headers["X-Linked-Etag"].flatMap({ BlobName(etag: $0) }) != nil,
            CacheRules.allows(head, isShared: question.isShared),
            // The coding is of the redirect's own content, which is dropped.
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
