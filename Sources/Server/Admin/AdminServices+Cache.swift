import EventIO
import HTTP
import Hub

/// What is kept: of the Hub's responses in memory, and of files on the disk.
extension AdminServices {
    /// Repositories that one request names, each of which is a line of the audit.
    private static let mostPurged = 20

    var cache: JSON { ["responses": responses, "files": fileFigures] }

    // MARK: responses

    private var responses: JSON {
        metrics.refresh()
        let workers = metrics.workers == 0 ? [0] : Array(1...metrics.workers)
        return [
            "on": .bool(settings.cacheMemory.bytes > 0), "capacity_bytes": .integer(Int64(settings.cacheMemory.bytes)),
            "bytes": total(.cacheBytes), "responses": total(.cacheResponses), "stored": total(.cacheStored),
            "evictions": total(.cacheEvictions), "saved_calls": total(.cacheSavedCalls),
            "requests": series(.cacheRequests, MetricLabels.CacheResult.self),
            "hit_ratio": Self.ratio { metrics.total(.cacheRequests, at: $0) },
            "workers": .array(workers.map(responses)),
        ]
    }

    private func responses(ofWorker worker: Int) -> JSON {
        func number(_ metric: Metric) -> JSON { .integer(Int64(clamping: metrics.number(metric, ofWorker: worker))) }
        return [
            "worker": .integer(Int64(worker)), "bytes": number(.cacheBytes), "responses": number(.cacheResponses),
            "requests": .object(
                Dictionary(
                    uniqueKeysWithValues: MetricLabels.CacheResult.allCases.map { result in
                        let count = metrics.number(.cacheRequests, at: result.rawValue, ofWorker: worker)
                        return (result.label, .integer(Int64(clamping: count)))
                    })),
            "hit_ratio": Self.ratio { metrics.number(.cacheRequests, at: $0, ofWorker: worker) },
        ]
    }

    /// The part of cacheable requests for which the Hub was not asked; null where there were none.
    private static func ratio(_ count: (Int) -> UInt64) -> JSON {
        let concerned = MetricLabels.CacheResult.allCases.filter { $0 != .bypass }
        let all = concerned.reduce(0) { $0 + count($1.rawValue) }
        let spared = concerned.filter { $0.sparesCall || $0 == .standIn }.reduce(0) { $0 + count($1.rawValue) }
        return all == 0 ? .null : .number(Double(spared) / Double(all))
    }

    /// From here on no worker gives out a response that was fetched before.
    func purge(_ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let members = try await object(exchange, members: ["repositories", "all"])
        guard members["all"] == nil || members["all"] == .bool(true) || members["all"] == .bool(false) else {
            throw .badField("all", "has to be true or false")
        }
        let isAll = members["all"] == .bool(true)
        let ids = try repositories(members["repositories"])
        guard isAll == ids.isEmpty else {
            throw .badRequest("Name repositories (owner/name), or say all: true.")
        }
        for text in isAll ? ["*"] : ids.map(\.text) { try await note("cache-purge", text, by: caller, context) }
        if isAll { resources.epochs.changed(nil) }
        for id in ids { resources.epochs.changed(CachePurges.resource(id)) }
        return ["done": true]
    }

    private func repositories(_ value: JSON?) throws(Failure) -> [RepoID] {
        guard let value, value != .null else { return [] }
        guard case .array(let elements) = value, elements.count <= Self.mostPurged else {
            throw .badField("repositories", "has to be a list of at most \(Self.mostPurged) names")
        }
        return try elements.map { (element) throws(Failure) in
            guard let text = element.stringValue, let id = try? CachePurges.repository(text) else {
                throw .badField("repositories", "has something that is no repository: owner/name")
            }
            return id
        }
    }

    // MARK: files

    private var fileFigures: JSON {
        let requests = MetricLabels.FileCacheResult.self
        let (hit, miss) = (
            metrics.total(.fileCacheRequests, at: requests.hit.rawValue),
            metrics.total(.fileCacheRequests, at: requests.miss.rawValue)
        )
        return [
            "on": .bool(resources.files != nil), "directory": .string(settings.cacheDirectory),
            "capacity_bytes": .integer(Int64(resources.files?.mostBytes ?? 0)), "bytes": total(.fileCacheBytes),
            "files": total(.fileCacheFiles), "requests": series(.fileCacheRequests, requests),
            "hit_ratio": hit + miss == 0 ? .null : .number(Double(hit) / Double(hit + miss)),
            "sent_bytes": total(.fileCacheSentBytes), "filled_bytes": total(.fileCacheFilledBytes),
            "evictions": total(.fileCacheEvictions), "corrupt": series(.fileCacheCorrupt, MetricLabels.Corruption.self),
            "workers_up": total(.fileCacheUp), "peer_bytes": total(.peerReceivedBytes),
            "peer_requests": series(.peerRequests, MetricLabels.PeerResult.self),
            "peer_calls": series(.peerCalls, MetricLabels.PeerAnswer.self),
        ]
    }

    /// As `hubgate cache list --json` prints them, a page at a time.
    func keptFiles(_ query: [String: String]) async throws(Failure) -> JSON {
        let directory = try fileDirectory
        let limit = try Self.limit(query)
        let after = try query["after"].map { (text) throws(Failure) in
            guard let name = BlobName(text) else {
                throw .badRequest("after has to be the member next of the page before.")
            }
            return name
        }
        let (files, hasMore) = await CacheListing(directory: directory).page(after: after, limit: limit)
        return [
            "files": .array(files.map(\.json)),
            "next": hasMore ? files.last.map { .string($0.name.hex) } ?? .null : .null,
        ]
    }

    /// A client that is reading the file still gets all of it.
    func removeFile(_ text: String, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let directory = try fileDirectory
        guard let name = BlobName(text), directory.has(name) else { throw .notFound("such file in the cache") }
        try await note("cache-remove", name.hex, by: caller, context)
        do throws(FileError) { try directory.discard(name) } catch { throw .cacheDisk }
        return ["done": true]
    }

    private var fileDirectory: CacheDirectory {
        get throws(Failure) {
            guard let files = resources.files else {
                throw Failure(.notFound, detail: "This gateway keeps no files (cache_dir is off).")
            }
            return files.directory
        }
    }
}
