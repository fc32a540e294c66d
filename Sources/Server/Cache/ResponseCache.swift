import EventIO
import HTTP
import Hub

/// Small responses of the Hub, kept for those who ask the same later (RFC 9111). Each worker has one.
///
/// Never older than said: what is kept is as young as `metadata_ttl`, or immutable by its name, or was fetched before no change that went
/// through this gateway. Rights are asked before the cache is.
@EventLoop
final class ResponseCache {
    /// What there is for a request.
    enum Found {
        /// The cache has nothing to do with it.
        case bypass
        /// This is it.
        case hit(CachedResponse)
        /// This is it for now; the Hub is to be asked whether it still is.
        case stale(CachedResponse, CacheWrite)
        /// The Hub has to be asked, and its response kept.
        case fetch(CacheWrite)
        /// The client wants what is kept or nothing, and nothing is.
        case absent
    }

    /// In seconds.
    struct Times {
        var fresh: Int
        /// For so long after that it is given out while the Hub is asked.
        var stale: Int
        /// For so long it is given out where the Hub cannot be asked.
        var onError: Int
    }

    private(set) var times: Times
    private var objectLimit: Int
    private let epochs: WriteEpochs
    private let metrics: Metrics
    private var store: S3FIFO<CacheKey, CachedResponse>

    init(_ settings: Settings, epochs: WriteEpochs, metrics: Metrics) {
        times = Times(settings)
        objectLimit = settings.cacheObjectLimit.bytes
        store = S3FIFO(capacity: settings.cacheMemory.bytes)
        self.epochs = epochs
        self.metrics = metrics
    }

    func use(_ settings: Settings) {
        times = Times(settings)
        objectLimit = settings.cacheObjectLimit.bytes
        noteSize(gone: store.resize(settings.cacheMemory.bytes))
    }

    var isOn: Bool { store.capacity > 0 }
    func find(_ request: Request, _ context: RequestContext, hasBody: Bool) -> Found {
        guard isOn, CacheRules.concerns(request, context.target, hasBody: hasBody) else { return .bypass }
        let directives = CacheDirectives(request: request.headers)
        guard !directives.noStore else { return .bypass }
        let partition = context.principal.cachePartition
        let key = CacheKey(request, to: context.target, in: partition, forwarded: context.forwardedOrigin)
        let kept = usable(key, request)
        if let kept, !directives.noCache, let found = found(kept, key, directives, context.principal) {
            return found
        }
        guard !directives.onlyIfCached else { return .absent }
        let operation = HubOperation.find(request.method == .head ? .get : request.method, context.target)
        guard let lifetime = CacheRules.lifetime(operation, context.target) else { return .bypass }
        let repository = operation.resource.form == .repo ? operation.resource : nil
        return .fetch(
            CacheWrite(
                to: self, key, lifetime, mark: epochs.mark(repository), stale: kept, isShared: partition == .client(nil)
            ))
    }

    /// What is kept, unless a change through this gateway or another choice of the Hub's rules it out.
    private func usable(_ key: CacheKey, _ request: Request) -> CachedResponse? {
        guard let kept = store.find(key) else { return nil }
        guard epochs.isCurrent(kept.mark) else {
            forget(key)
            return nil
        }
        return kept.fits(request) ? kept : nil
    }

    /// Nil: the Hub has to be asked first.
    private func found(
        _ kept: CachedResponse, _ key: CacheKey, _ directives: CacheDirectives, _ principal: Principal
    ) -> Found? {
        let age = kept.age(at: .now)
        if let most = directives.maxAge, age > most || most == 0 { return nil }
        // A client's own credential can end, and with it what may be seen with it.
        if age < times.fresh || kept.lifetime == .immutable && principal.isLent { return .hit(kept) }
        guard age < times.fresh + times.stale else { return nil }
        guard !kept.isRevalidating else { return .hit(kept) }
        kept.isRevalidating = true
        return .stale(
            kept,
            CacheWrite(
                to: self, key, kept.lifetime, mark: kept.mark, stale: kept,
                isShared: principal.cachePartition == .client(nil)))
    }

    /// For how many seconds it is good; negative once it is not.
    func ttl(of kept: CachedResponse) -> Int {
        // A year, as good as for ever (RFC 9111 has no word for it).
        kept.lifetime == .immutable ? 31_536_000 : times.fresh - kept.age(at: .now)
    }

    /// What a request changes; nil for what changes nothing, or where nothing is kept.
    func change(by request: Request, _ context: RequestContext, _ route: Route.Name) -> CacheChange? {
        guard isOn, !request.method.isSafe else { return nil }
        switch route {
        case .relay: return CacheChange(HubOperation.find(request.method, context.target), epochs)
        case .createRepo, .updateRepo, .deleteRepo: return CacheChange(ofAny: epochs)
        default: return nil
        }
    }

    /// Whether it may stand in for what the Hub cannot say now.
    func standsIn(_ kept: CachedResponse) -> Bool {
        kept.age(at: .now) < times.fresh + times.onError && epochs.isCurrent(kept.mark)
    }

    func keep(_ response: CachedResponse, for key: CacheKey) {
        let size = response.size + key.size
        guard response.response.content.count <= objectLimit, epochs.isCurrent(response.mark) else { return }
        noteSize(gone: store.insert(key, response, bytes: size))
    }

    /// The largest content that is kept, in bytes.
    var largest: Int { min(objectLimit, store.capacity / 10) }

    /// What was kept is wrong now.
    func forget(_ key: CacheKey) {
        store.remove(key)
        noteSize()
    }

    private func noteSize(gone: Int = 0) {
        metrics.add(.cacheEvictions, UInt64(gone))
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
    /// Those who ask the Hub with the same credential get the same from it. What a key may not see is refused before the cache is asked,
    /// and what is filtered for it is not kept.
    fileprivate var cachePartition: CachePartition { isLent ? account : partition }
}
