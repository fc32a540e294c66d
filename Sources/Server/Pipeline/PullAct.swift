import EventIO
import HTTP
import Hub

/// Carries out an order: fetches a revision's information and all its paths, then the files that the order is for and that are not here. The Hub is asked with
/// the gateway's own credential, in the background: when its rate limit gets short, clients come first.
@EventLoop
final class PullAct {
    static let lanes = 4
    static let mostAttempts = 6
    /// In seconds.
    static let longestPause = 60
    private static let pageLimit = 500
    static let pageBytes = 1 << 20
    /// How much of a revision is read in one turn of the loop.
    private static let readInfo = 64 << 10
    /// The Hub keeps no larger files in git.
    static let longestGitFile = 10 << 20

    var order: PullOrder
    let hub: Upstream
    let files: FileCache
    let principal: Principal
    let isEnding: @EventLoop () -> Bool
    let note: @EventLoop (PullOrder) -> Void
    /// The entries of the revision, with the names of contents that are here.
    var entries = HeldEntries()
    /// The entries that are to be fetched.
    var queue: ArraySlice<Int> = []
    var partial: [ObjectIdentifier: Int] = [:]
    var doneBytes = 0
    var failure: Failure?

    /// `isEnding` is called often; `note` gets the progress.
    init(
        _ order: PullOrder, hub: Upstream, files: FileCache, principal: Principal,
        isEnding: @escaping @EventLoop () -> Bool, note: @escaping @EventLoop (PullOrder) -> Void
    ) {
        (self.order, self.hub, self.files, self.principal) = (order, hub, files, principal)
        (self.isEnding, self.note) = (isEnding, note)
    }

    /// Returns the order as done. Throws why it cannot be carried out, `clientGone` where it was cancelled.
    func run() async throws(Failure) -> PullOrder {
        let (found, info) = try await lookUp()
        order.commit = found.commit
        note(order)
        entries = try await tree(found.commit)
        await recall(found.commit)
        try await choose()
        try await fetch()
        try await finish(
            HeldRevision(
                order.repo, commit: found.commit, isOpen: found.isOpen, taken: Int64(WallClock.now.seconds), info: info,
                entries: entries))
        return order
    }

    // MARK: the revision

    private var apiPath: String { "/api/\(order.repo.kind.apiPath)/\(order.repo.id.path)" }

    private func lookUp() async throws(Failure) -> (found: (commit: String, isOpen: Bool), info: [UInt8]) {
        let revision = try Revision(order.revision).path
        let path = "\(apiPath)/revision/\(revision)"
        let answer = try await ask(.get, path, limit: HeldRevision.mostInfo)
        // Of a large revision only as much as is needed.
        let small =
            answer.body.count <= Self.readInfo
            ? answer : try await ask(.get, path + "?expand=sha&expand=private&expand=gated", limit: Self.pageBytes)
        let json = try JSON.parse(small.body, within: JSONLimits(bytes: Self.pageBytes, depth: 32, values: 200_000))
        guard let commit = json["sha"]?.stringValue, GitNames.isHash(commit) else {
            throw .hubBroken("it does not say which commit \(order.revision.shown) is")
        }
        return ((commit, json["private"] == false && json["gated"] == false), answer.body)
    }

    private func tree(_ commit: String) async throws(Failure) -> HeldEntries {
        var (entries, share) = (HeldEntries(), TurnShare())
        // By bytes: two Strings of different bytes may be equal.
        var firsts: Set<[UInt8]> = []
        let path = "\(apiPath)/tree/\(commit)"
        var query = "recursive=true&limit=\(Self.pageLimit)"
        while true {
            let answer = try await ask(.get, "\(path)?\(query)", limit: Self.pageBytes)
            let before = entries.count
            try await read(answer.body, into: &entries, &share)
            // Pages that lead to each other would have no end. All other duplicates are found when the entries are sorted.
            guard entries.count == before || firsts.insert(Array(entries.path(at: before).utf8)).inserted else {
                throw .hubBroken("it lists a path twice")
            }
            guard entries.count <= HeldRevision.mostEntries else {
                throw Failure(
                    .payloadTooLarge,
                    detail: "It has more than \(HeldRevision.mostEntries) files, which is too many to keep.")
            }
            let links = answer.headers.values(of: "Link").flatMap { Link.list($0) }
            guard let next = links.first(where: { $0.relations.contains("next") })?.target,
                let mark = next.firstIndex(of: "?"), entries.count > before
            else { break }
            query = String(next[next.index(after: mark)...])
        }
        await entries.sort(&share)
        for index in entries.indices {
            guard !entries.isTwin(at: index) else { throw .hubBroken("it lists a path twice") }
            if index % 64 == 0 { await share.pause() }
        }
        return entries
    }

    /// Reads the entries of a page one by one: a page takes longer than a turn of the loop may.
    private func read(
        _ page: [UInt8], into entries: inout HeldEntries, _ share: inout TurnShare
    ) async throws(Failure) {
        var parser = JSONParser(page, JSONLimits(bytes: Self.pageBytes, depth: 16, values: 40_000))
        while true {
            let json: JSON?
            do throws(Failure) { json = try parser.nextElement() } catch {
                throw .hubBroken("its list of files is none")
            }
            guard let json else { return }
            entries.append(try Self.entry(json))
            await share.pause()
        }
    }

    private static func entry(_ json: JSON) throws(Failure) -> HeldEntry {
        guard let path = json["path"]?.stringValue, GitNames.isPath(path), let oid = json["oid"]?.stringValue,
            GitNames.isHash(oid)
        else { throw .hubBroken("its list of files has a path that no file can have") }
        if json["type"] == "directory" { return HeldEntry(path: path, size: 0, oid: oid, place: .folder) }
        guard case .integer(let size)? = json["size"], size >= 0, size <= BlobLayout.mostBytes else {
            throw .hubBroken("its list of files does not say how large \(path.shown) is")
        }
        guard let name = json["lfs"]?["oid"]?.stringValue else {
            return HeldEntry(path: path, size: Int(size), oid: oid, place: .git)
        }
        guard let content = BlobName(name) else { throw .hubBroken("it names a file by no SHA-256") }
        return HeldEntry(path: path, size: Int(size), oid: oid, place: .pointer, content: content)
    }

    /// Finds the files to be fetched, and checks that there is room for them.
    private func choose() async throws(Failure) {
        let filter = PathFilter(include: order.include, exclude: order.exclude)
        var (small, large, share): ([Int], [Int], _) = ([], [], TurnShare())
        (order.files, order.bytes) = (0, 0)
        var (missing, here) = (0, 0)
        for index in entries.indices where entries.place(at: index) != .folder {
            await share.pause()
            guard filter.takes(entries.path(at: index)) else { continue }
            let size = entries.size(at: index)
            let (sum, overflow) = order.bytes.addingReportingOverflow(size)
            guard !overflow else { throw .tooLargeForCache(.max, files.mostBytes) }
            (order.files, order.bytes) = (order.files + 1, sum)
            if let content = entries.content(at: index), await isHeld(content) { continue }
            guard size > 0 else { continue }
            missing += size
            // Its store has to show that it has it, which takes no room.
            if let named = entries.named(at: index), await isHeld(named) { here += size }
            if entries.place(at: index) == .git { small.append(index) } else { large.append(index) }
        }
        guard order.files > 0 || order.include.isEmpty else {
            throw Failure(.notFound, detail: "No file of \(order.repo.text) fits the patterns.")
        }
        doneBytes = order.bytes - missing
        (order.filesDone, order.bytesDone) = (order.files - small.count - large.count, doneBytes)
        guard order.bytes <= files.mostBytes else { throw .tooLargeForCache(order.bytes, files.mostBytes) }
        let wanted = missing - here
        if let room = CacheRoom(of: files.directory.path) {
            // Files of other repositories make way.
            let kept = Int(clamping: files.metrics.total(.fileCacheBytes))
            let most = room.limit(.bytes(.max), taken: kept)
            guard wanted <= most else {
                throw Failure(
                    .payloadTooLarge,
                    detail: "\(wanted) bytes have to be fetched, and the disk of cache_dir has room for \(most).")
            }
        }
        // Small ones first: then what is missing for an offline start is known early.
        queue = (small + large)[...]
        note(order)
    }

    // MARK: the end

    private func finish(_ revision: HeldRevision) async throws(Failure) {
        let directory = files.directory
        let before = directory.commit(of: order.revision, in: order.repo)
        do throws(FileError) {
            try await files.keep(revision, as: order.revision)
            if order.pins { try directory.pin(CacheDirectory.Pin(repo: order.repo, revision: order.revision)) }
        } catch {
            throw Failure(.tooBusy, detail: "cache_dir: \(error).")
        }
        var share = TurnShare()
        let pins = await files.held.pinned()
        if pins.contains(where: { $0.repo == order.repo && $0.commit == revision.commit }) {
            await files.setPinned(await revision.contents(&share), true)
        }
        // Where a branch is pinned, files that only its last commit needed may go now.
        if let before, before != revision.commit, let old = await files.held.find(order.repo, commit: before) {
            let left = await files.held.contents(await old.contents(&share), without: pins)
            await files.setPinned(left, false)
        }
        order.bytesDone = order.bytes
    }
}

// MARK: the Hub

extension PullAct {
    /// Asks, and asks again where the Hub cannot answer now. Throws its refusal.
    func ask(_ method: Method, _ path: String, limit: Int) async throws(Failure) -> Upstream.Answer {
        let request = Request(method: method, target: try Target(hub: path))
        var attempt = 0
        while true {
            if isEnding() { throw .clientGone }
            let failure: Failure
            let context = RequestContext(id: .next(), address: "")
            context.principal = principal
            do throws(Failure) {
                let answer = try await hub.send(request, context, limit: limit, isBackground: true)
                if answer.status.code < 400, !(path.hasPrefix("/api/") && answer.status.isRedirect) { return answer }
                if answer.status.isRedirect {
                    throw Failure(.notFound, detail: "\(order.repo.text) has another name now; pull it by that.")
                }
                failure = .hubAnswered(HubRefusal(status: answer.status, headers: answer.headers, body: answer.body))
            } catch {
                failure = error
            }
            attempt += failure.isOfBudget ? 0 : 1
            guard failure.mayPass, attempt < Self.mostAttempts else { throw failure }
            // A little after the next window of the Hub's rate limit begins: at its very beginning the Hub may not have begun it yet.
            let seconds =
                failure.isOfBudget
                ? min(3600, failure.retryAfter ?? 60) + 2
                : min(60, max(failure.retryAfter ?? 0, 1 << max(0, attempt - 1)))
            try await pause(seconds, because: failure)
        }
    }

    func pause(_ seconds: Int, because failure: Failure) async throws(Failure) {
        order.reason = failure.detail
        for _ in 0..<max(1, seconds * 10) {
            // Called again and again: the order is written from time to time, and it is checked whether it was cancelled.
            note(order)
            if isEnding() { throw .clientGone }
            await EventLoop.sleep(milliseconds: 100)
        }
        order.reason = ""
    }
}

extension Failure {
    /// Whether the rate limit is used up.
    fileprivate var isOfBudget: Bool {
        switch kind {
        case .budgetSpent: true
        case .hubAnswered(let refusal): refusal.status == .tooManyRequests
        default: false
        }
    }

    /// Whether the same request may succeed a while later.
    fileprivate var mayPass: Bool {
        switch kind {
        case .budgetSpent, .hubUnreachable, .hubTooSlow, .hubBroken, .tooBusy: true
        case .hubAnswered(let refusal): refusal.status.code >= 500 || refusal.status == .tooManyRequests
        default: false
        }
    }
}
