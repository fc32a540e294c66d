import EventIO
import HTTP
import Hub

/// What is fetched ahead of clients, and what stays. Orders are carried out by the worker that has them (`PullKeeper`), whichever answers here.
extension AdminServices {
    private static let members = ["repo", "type", "revision"]

    private var keptFiles: FileCache {
        get throws(Failure) {
            guard let files = resources.files else {
                throw Failure(.notFound, detail: "This gateway keeps no files: cache_dir is off.")
            }
            return files
        }
    }

    func pulls() throws(Failure) -> JSON { ["pulls": .array(try keptFiles.directory.allOrders().map(\.json))] }

    func pull(_ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let directory = try keptFiles.directory
        let body = try await object(exchange, members: Self.members + ["include", "exclude", "pin"])
        let (repo, revision) = try Self.repository(body)
        let (include, exclude) = (try Self.patterns(body, "include"), try Self.patterns(body, "exclude"))
        guard directory.allOrders().count(where: { !$0.status.isOver }) < CacheDirectory.mostOrders else {
            throw Failure(.tooBusy, detail: "\(CacheDirectory.mostOrders) orders wait already.", retryAfter: 60)
        }
        let pins = try FacadeBody(.object(body)).optionalFlag("pin") ?? false
        let now = Int64(WallClock.now.seconds)
        let order = PullOrder(
            id: PullOrder.newID(now: now), repo: repo, revision: revision ?? "main", include: include, exclude: exclude,
            pins: pins, orderedBy: "the admin API", placed: now)
        try await note("cache-pull", "\(repo.text)@\(order.revision)", by: caller, context)
        do throws(FileError) { try directory.note(order) } catch { throw .cacheDisk }
        return order.json
    }

    func cancelPull(_ id: String, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let directory = try keptFiles.directory
        guard PullOrder.isID(id), let order = directory.order(id), !order.status.isOver else {
            throw .notFound("order that waits or is carried out")
        }
        try await note("cache-pull-cancel", "\(order.repo.text)@\(order.revision)", by: caller, context)
        do throws(FileError) { try directory.cancel(order) } catch { throw .cacheDisk }
        return ["done": true]
    }

    func pin(_ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let files = try keptFiles
        let pin = try await pin(in: exchange)
        let wanted = await revisions(files.directory.held(of: pin), files)
        guard !wanted.isEmpty else { throw .notFound("revision of \(pin.repo.text) that was pulled") }
        let others = await revisions(files.directory.pinnedCommits(), files)
        let sizes: [BlobName: Int]
        do throws(CachePins.Refusal) {
            sizes = try CachePins.sizes(of: wanted, beside: others, cacheSize: files.mostBytes)
        } catch {
            throw Failure(.payloadTooLarge, detail: "\(error.reason).")
        }
        try await note("cache-pin", pin.text, by: caller, context)
        do throws(FileError) { try files.directory.pin(pin) } catch { throw .cacheDisk }
        await files.setPinned(sizes.keys, true)
        return CachePins.Outcome(pin: pin, isPinned: true, files: sizes.count, bytes: sizes.values.reduce(0, +)).json
    }

    func unpin(_ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let files = try keptFiles
        let pin = try await pin(in: exchange)
        try await note("cache-unpin", pin.text, by: caller, context)
        guard files.directory.unpin(pin) else { throw .notFound("pin of \(pin.text)") }
        let mine = await revisions(files.directory.held().filter { $0.repo == pin.repo }, files)
        var names = mine.reduce(into: Set<BlobName>()) { $0.formUnion($1.contents) }
        let count = names.count
        for revision in await revisions(files.directory.pinnedCommits(), files) { names.subtract(revision.contents) }
        await files.setPinned(names, false)
        return CachePins.Outcome(pin: pin, isPinned: false, files: count, bytes: 0).json
    }

    private func pin(in exchange: Exchange) async throws(Failure) -> CacheDirectory.Pin {
        let (repo, revision) = try Self.repository(try await object(exchange, members: Self.members))
        return CacheDirectory.Pin(repo: repo, revision: revision)
    }

    private func revisions(_ commits: [(repo: RepoKey, commit: String)], _ files: FileCache) async -> [HeldRevision] {
        var found: [HeldRevision] = []
        for (repo, commit) in commits {
            if let revision = await files.held.find(repo, commit: commit) { found.append(revision) }
        }
        return found
    }

    private static func repository(_ body: [String: JSON]) throws(Failure) -> (RepoKey, String?) {
        let fields = try FacadeBody(.object(body))
        let id = try RepoID(try fields.string("repo"), field: "repo")
        let kind = try fields.optionalString("type") == nil ? .model : try fields.repoKind()
        let revision = try fields.optionalString("revision")
        return (RepoKey(kind, id), try revision.map { (text) throws(Failure) in try Revision(text).text })
    }

    private static func patterns(_ body: [String: JSON], _ name: String) throws(Failure) -> [String] {
        guard let value = body[name], value != .null else { return [] }
        guard case .array(let values) = value, values.allSatisfy({ $0.stringValue != nil }) else {
            throw .badField(name, "must be a list of patterns")
        }
        let patterns = values.compactMap(\.stringValue)
        if let fault = PathFilter.fault(patterns) { throw .badField(name, "has a pattern that \(fault)") }
        return patterns
    }
}
