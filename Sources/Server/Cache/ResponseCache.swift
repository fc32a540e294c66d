import EventIO
import HTTP
import Hub

/// Small responses of the Hub, kept for later requests for the same (RFC 9111). Each worker has one, and looks into the memory that all of them
/// share where it has no response that is good (`SharedResponses`).
///
/// Never older than promised: a response is as young as `metadata_ttl`, or immutable by its name, and was fetched after the last change that
/// went through this gateway. Rights are checked before the cache is asked.
@EventLoop
final class ResponseCache {
    /// What there is for a request.
    enum Found {
        /// The cache does not apply to the request.
        case bypass
        /// This response is good.
        case hit(CachedResponse)
        /// This response is good for now; the Hub is to be asked whether it still is.
        case stale(CachedResponse, CacheWrite)
        /// The Hub has to be asked, and its response kept.
        case fetch(CacheWrite)
        /// The client wants a stored response or none, and there is none.
        case absent
    }

    /// In seconds.
    struct Times {
        var fresh: Int
        /// How long a stale response is given out while the Hub is asked.
        var stale: Int
        /// How long a stale response is given out where the Hub cannot be asked.
        var onError: Int
    }

    private(set) var times: Times
    private var objectLimit: Int
    private let epochs: WriteEpochs
    private let metrics: Metrics
    /// Shared by all workers; nil where there is one process.
    private let others: SharedResponses?
    private var store: S3FIFO<CacheKey, CachedResponse>
    private var shape: ResponseShape
    /// Counts the shapes that responses have had: responses kept in another shape are not found.
    private var shapeNumber = 0
    private var isTrimming = false

    init(_ settings: Settings, epochs: WriteEpochs, metrics: Metrics, others: SharedResponses? = nil) {
        self.others = others
        times = Times(settings)
        objectLimit = settings.cacheObjectLimit.bytes
        store = S3FIFO(capacity: settings.cacheMemory.bytes)
        shape = ResponseShape(settings)
        self.epochs = epochs
        self.metrics = metrics
    }

    func use(_ settings: Settings) {
        times = Times(settings)
        objectLimit = settings.cacheObjectLimit.bytes
        store.resize(settings.cacheMemory.bytes)
        if shape != ResponseShape(settings) {
            shape = ResponseShape(settings)
            shapeNumber += 1
        }
        trimInTurns()
    }

    var isOn: Bool { store.capacity > 0 }
    /// The largest content that is kept, in bytes.
    var largest: Int { min(objectLimit, store.largest) }

    /// Looks for a response that may answer the request now. Rights have been checked.
    func find(
        _ request: Request, _ context: RequestContext, hasBody: Bool, at now: MonotonicInstant = .now
    ) -> Found {
        let target = context.target
        guard isOn, CacheRules.concerns(request, target, hasBody: hasBody) else { return .bypass }
        let directives = CacheDirectives(request: request.headers)
        let partition = context.principal.cachePartition
        guard !directives.noStore, !isOfStranger(request, context.principal, partition) else { return .bypass }
        let key = CacheKey(
            request, to: target, in: partition, forwarded: context.forwardedOrigin, shape: shapeNumber)
        var present = current(key)
        var kept = present.flatMap { $0.fits(request) ? $0 : nil }
        if let kept, !directives.noCache, isGood(kept, directives, context.principal, now) { return .hit(kept) }
        let shared = others.map { _ in SharedKey(key, by: context.principal, partition, shape) }
        if let shared, let newer = takeNewer(than: present, shared, key) {
            present = newer
            kept = newer.fits(request) ? newer : nil
        }
        if let kept, !directives.noCache, let found = found(kept, key, shared, directives, context.principal, now) {
            return found
        }
        guard !directives.onlyIfCached else { return .absent }
        let operation = HubOperation.find(request.method == .head ? .get : request.method, target)
        guard let lifetime = CacheRules.lifetime(operation, target) else { return .bypass }
        // The content may be too large to be kept here: then only the client's own condition saves the Hub from sending it.
        if kept == nil, request.method == .get, operation.notes.contains(.ofCommit),
            request.headers.contains("If-None-Match") || request.headers.contains("If-Modified-Since")
        {
            return .bypass
        }
        let reason: CacheStatus.Forward =
            directives.noCache || directives.maxAge == 0
            ? .request : kept != nil ? .stale : present != nil ? .varyMiss : .uriMiss
        return .fetch(
            CacheWrite(
                to: self, key, shared, lifetime,
                mark: epochs.mark(operation.resource.form == .repo ? operation.resource : nil),
                seen: present, stale: kept, isShared: partition == .client(nil), reason, asked: now))
    }

    /// Whether the client shows a credential that the gateway cannot read: such a request must not get what clients without one may have
    /// (RFC 9111 section 3.5).
    private func isOfStranger(_ request: Request, _ principal: Principal, _ partition: CachePartition) -> Bool {
        partition == .client(nil) && principal.key == nil && request.headers.contains("Authorization")
    }

    /// The response that is kept, unless a change through this gateway made it invalid.
    private func current(_ key: CacheKey) -> CachedResponse? {
        guard let kept = store.find(key) else { return nil }
        guard epochs.isCurrent(kept.mark) else {
            forget(key)
            return nil
        }
        return kept
    }

    /// The response that another worker has kept, where it asked the Hub later than this one did.
    private func newer(than seen: CachedResponse?, _ shared: SharedKey) -> CachedResponse? {
        guard let newer = others?.find(shared, but: seen?.sharedPlace), epochs.isCurrent(newer.mark),
            newer.asked > seen?.asked ?? MonotonicInstant(nanoseconds: 0)
        else { return nil }
        return newer
    }

    /// Whether another worker has kept a response since this write began.
    func isKeptMeanwhile(_ write: CacheWrite) -> Bool {
        write.shared.map { newer(than: write.seen, $0) != nil } ?? false
    }

    /// The same; this worker keeps it too from here on.
    private func takeNewer(than seen: CachedResponse?, _ shared: SharedKey, _ key: CacheKey) -> CachedResponse? {
        guard let newer = newer(than: seen, shared) else { return nil }
        metrics.add(.cacheTaken)
        noteSize(gone: store.insert(key, newer, bytes: newer.size + key.size))
        return newer
    }

    /// Whether it may be given out without asking the Hub.
    private func isGood(
        _ kept: CachedResponse, _ directives: CacheDirectives, _ principal: Principal, _ now: MonotonicInstant
    ) -> Bool {
        if let most = directives.maxAge, most == 0 || kept.age(at: now) > most { return false }
        // A client's own credential can end, and with it the right to the response.
        return kept.freshFor(times.fresh, at: now) > 0
            || kept.lifetime == .immutable && principal.isLent && !kept.asksAlways
    }

    /// Nil: the Hub has to be asked first.
    private func found(
        _ kept: CachedResponse, _ key: CacheKey, _ shared: SharedKey?, _ directives: CacheDirectives,
        _ principal: Principal, _ now: MonotonicInstant
    ) -> Found? {
        if isGood(kept, directives, principal, now) { return .hit(kept) }
        if let most = directives.maxAge, most == 0 || kept.age(at: now) > most { return nil }
        guard kept.freshFor(times.fresh, at: now) > -times.stale, kept.mayBeStale else { return nil }
        guard !kept.isRevalidating else { return .hit(kept) }
        kept.isRevalidating = true
        return .stale(
            kept,
            CacheWrite(
                to: self, key, shared, kept.lifetime, mark: kept.mark, seen: kept, stale: kept,
                isShared: principal.cachePartition == .client(nil), .stale, asked: now))
    }

    /// For how many seconds it is good; negative once it is not.
    func ttl(of kept: CachedResponse, at now: MonotonicInstant = .now) -> Int {
        // A year, as good as for ever (RFC 9111 has no word for it).
        kept.lifetime == .immutable ? 31_536_000 : kept.freshFor(times.fresh, at: now)
    }

    /// Whether it may stand in while the Hub cannot answer.
    func standsIn(_ kept: CachedResponse, at now: MonotonicInstant = .now) -> Bool {
        kept.mayBeStale && kept.freshFor(times.fresh, at: now) > -times.onError && epochs.isCurrent(kept.mark)
    }

    /// Keeps it, unless something was changed since the Hub was asked.
    func keep(_ response: CachedResponse, for key: CacheKey, _ shared: SharedKey?) {
        guard response.response.content.count <= objectLimit, epochs.isCurrent(response.mark),
            key.shape == shapeNumber
        else { return }
        // Of two calls that overlap the one that began later is newer, whichever ends first.
        if let present = store.find(key), present.asked > response.asked, epochs.isCurrent(present.mark) { return }
        let gone = store.insert(key, response, bytes: response.size + key.size)
        if let shared { others?.keep(response, for: shared) }
        metrics.add(.cacheStored)
        noteSize(gone: gone)
    }

    /// The response that was kept is wrong now.
    func forget(_ key: CacheKey, _ shared: SharedKey? = nil) {
        store.remove(key)
        if let shared { others?.forget(shared) }
        noteSize()
    }

    /// A little in each turn of the loop, until the bound holds.
    private func trimInTurns() {
        guard store.isOver, !isTrimming else { return noteSize() }
        isTrimming = true
        EventLoop.post {
            self.noteSize(gone: self.store.trim())
            self.isTrimming = false
            self.trimInTurns()
        }
    }

    private func noteSize(gone: Int = 0) {
        if gone > 0 { metrics.add(.cacheEvictions, UInt64(gone)) }
        metrics.set(.cacheBytes, to: store.bytes)
        metrics.set(.cacheResponses, to: store.count)
    }
}

extension ResponseCache.Times {
    init(_ settings: Settings) {
        self.init(
            fresh: Int(settings.metadataTTL / .seconds(1)), stale: Int(settings.metadataStale / .seconds(1)),
            onError: Int(settings.staleIfError / .seconds(1)))
    }
}

extension Principal {
    /// Requests to the Hub with the same credential get the same response. A key's rules are checked before the cache is asked,
    /// and a response that is filtered for a key is not kept.
    fileprivate var cachePartition: CachePartition { isLent ? account : partition }
}
