import EventIO
import HTTP
import Hub

/// Pulls and pins. The worker that has the orders carries them out (`PullKeeper`), whichever worker responds here.
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

    func pulls() async throws(Failure) -> JSON {
        ["pulls": .array(await (try keptFiles).directory.allOrdersInTurns().map(\.json))]
    }

    func pull(_ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let directory = try keptFiles.directory
        let body = try await object(exchange, members: Self.members + ["include", "exclude", "pin"])
        let (repo, revision) = try Self.repository(body)
        let (include, exclude) = (try Self.patterns(body, "include"), try Self.patterns(body, "exclude"))
        guard await directory.allOrdersInTurns().count(where: { !$0.status.isOver }) < CacheDirectory.mostOrders else {
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
        let commits = await files.held.held(of: pin)
        let wanted = await files.held.sizes(of: commits)
        guard !commits.isEmpty else {
            throw .notFound("revision of \(pin.repo.text) that was pulled")
        }
        let others = await files.held.sizes(of: await files.held.pinned())
        do throws(CachePins.Refusal) {
            try CachePins.check(wanted, beside: others, cacheSize: files.mostBytes)
        } catch {
            throw Failure(.payloadTooLarge, detail: "\(error.reason).")
        }
        try await note("cache-pin", pin.text, by: caller, context)
        do throws(FileError) { try files.directory.pin(pin) } catch { throw .cacheDisk }
        await files.setPinned(wanted.keys, true)
        return CachePins.Outcome(pin: pin, isPinned: true, files: wanted.count, bytes: wanted.values.sum).json
    }

    func unpin(_ exchange: Exchange, _ caller: AdminCaller, _ context: RequestContext) async throws(Failure) -> JSON {
        let files = try keptFiles
        let pin = try await pin(in: exchange)
        try await note("cache-unpin", pin.text, by: caller, context)
        guard files.directory.unpin(pin) else { throw .notFound("pin of \(pin.text)") }
        let all = CacheDirectory.Pin(repo: pin.repo, revision: nil)
        let mine = Set(await files.held.sizes(of: await files.held.held(of: all)).keys)
        let names = await files.held.contents(mine, without: await files.held.pinned())
        await files.setPinned(names, false)
        return CachePins.Outcome(pin: pin, isPinned: false, files: mine.count, bytes: 0).json
    }

    private func pin(in exchange: Exchange) async throws(Failure) -> CacheDirectory.Pin {
        let (repo, revision) = try Self.repository(try await object(exchange, members: Self.members))
        return CacheDirectory.Pin(repo: repo, revision: revision)
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
