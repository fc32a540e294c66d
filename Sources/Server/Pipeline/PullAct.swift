import EventIO
import HTTP
import Hub

/// Fetches a revision, for an order: what the Hub says of it and all its paths, then the files that are meant and are not here. The Hub is asked with the
/// gateway's own credential, as one in the background: where its rate limit gets short, clients come first.
@EventLoop
final class PullAct {
    private static let lanes = 4
    static let mostAttempts = 6
    /// In seconds.
    private static let longestPause = 60
    private static let pageLimit = 500
    private static let pageBytes = 1 << 20
    /// What is read of a revision without a second question.
    private static let readInfo = 256 << 10
    /// The Hub keeps no larger ones in git.
    private static let longestGitFile = 10 << 20

    var order: PullOrder
    let hub: Upstream
    private let files: FileCache
    let principal: Principal
    let isEnding: @EventLoop () -> Bool
    let note: @EventLoop (PullOrder) -> Void
    private var queue: ArraySlice<HeldEntry> = []
    private var contents: [String: BlobName] = [:]
    /// Files of git that are here already, by their names in git.
    private var known: [String: BlobName] = [:]
    private var partial: [ObjectIdentifier: Int] = [:]
    private var doneBytes = 0
    private var failure: Failure?

    /// `isEnding` is asked often; `note` is told what has come of it so far.
    init(
        _ order: PullOrder, hub: Upstream, files: FileCache, principal: Principal,
        isEnding: @escaping @EventLoop () -> Bool, note: @escaping @EventLoop (PullOrder) -> Void
    ) {
        (self.order, self.hub, self.files, self.principal) = (order, hub, files, principal)
        (self.isEnding, self.note) = (isEnding, note)
    }

    /// Ends with the order done. Throws why it cannot be, `clientGone` where it was ended.
    func run() async throws(Failure) -> PullOrder {
        let (found, info) = try await lookUp()
        order.commit = found.commit
        note(order)
        let entries = try await tree(found.commit)
        var revision = HeldRevision(
            order.repo, commit: found.commit, isOpen: found.isOpen, taken: Int64(WallClock.now.seconds), info: info,
            entries: entries)
        await recall(revision)
        revision = revision.with(contents: contents)
        try choose(revision)
        try await fetch()
        try await finish(revision.with(contents: contents))
        return order
    }

    // MARK: what it is

    private var apiPath: String { "/api/\(order.repo.kind.apiPath)/\(order.repo.id.path)" }

    private func lookUp() async throws(Failure) -> (found: (commit: String, isOpen: Bool), info: [UInt8]) {
        let revision = try Revision(order.revision).path
        let path = "\(apiPath)/revision/\(revision)"
        let answer = try await ask(.get, path, limit: HeldRevision.mostInfo)
        // Of a large one as much as is needed.
        let small =
            answer.body.count <= Self.readInfo
            ? answer : try await ask(.get, path + "?expand=sha&expand=private&expand=gated", limit: Self.pageBytes)
        let json = try JSON.parse(small.body, within: JSONLimits(bytes: Self.pageBytes, depth: 32, values: 200_000))
        guard let commit = json["sha"]?.stringValue, GitNames.isHash(commit) else {
            throw .hubBroken("it does not say which commit \(order.revision.shown) is")
        }
        return ((commit, json["private"] == false && json["gated"] == false), answer.body)
    }

    private func tree(_ commit: String) async throws(Failure) -> [HeldEntry] {
        var (entries, seen): ([HeldEntry], Set<[UInt8]>) = ([], [])
        let path = "\(apiPath)/tree/\(commit)"
        var query = "recursive=true&limit=\(Self.pageLimit)"
        while true {
            let answer = try await ask(.get, "\(path)?\(query)", limit: Self.pageBytes)
            let limits = JSONLimits(bytes: Self.pageBytes, depth: 16, values: 100_000)
            guard case .array(let page) = try JSON.parse(answer.body, within: limits) else {
                throw .hubBroken("its list of files is none")
            }
            for json in page {
                let entry = try Self.entry(json)
                guard seen.insert(Array(entry.path.utf8)).inserted else { throw .hubBroken("it lists a path twice") }
                entries.append(entry)
            }
            guard entries.count <= HeldRevision.mostEntries else {
                throw Failure(
                    .payloadTooLarge,
                    detail: "It has more than \(HeldRevision.mostEntries) files, which is too many to keep.")
            }
            let links = answer.headers.values(of: "Link").flatMap { Link.list($0) }
            guard let next = links.first(where: { $0.relations.contains("next") })?.target,
                let mark = next.firstIndex(of: "?"), !page.isEmpty
            else { return entries }
            query = String(next[next.index(after: mark)...])
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
        return HeldEntry(path: path, size: Int(size), oid: oid, place: .store, content: content)
    }

    /// Files of git that an earlier pull has brought are not fetched again.
    private func recall(_ revision: HeldRevision) async {
        let last = files.directory.commit(of: order.revision, in: order.repo)
        for commit in Set([last, revision.commit].compactMap(\.self)) {
            guard let earlier = await files.held.find(order.repo, commit: commit) else { continue }
            for entry in earlier.entries where entry.place == .git {
                if let content = entry.content { known[entry.oid] = content }
            }
        }
        for entry in revision.entries where entry.place == .git {
            if let content = known[entry.oid], files.isHeld(content) { contents[entry.path] = content }
        }
    }

    /// What has to be fetched, and whether there is room for it.
    private func choose(_ revision: HeldRevision) throws(Failure) {
        let filter = PathFilter(include: order.include, exclude: order.exclude)
        let meant = revision.files.filter { filter.takes($0.path) }
        guard !meant.isEmpty || order.include.isEmpty else {
            throw Failure(.notFound, detail: "No file of \(order.repo.text) fits the patterns.")
        }
        let missing = meant.filter { entry in entry.size > 0 && !(entry.content.map { files.isHeld($0) } ?? false) }
        (order.files, order.bytes) = (meant.count, meant.reduce(0) { $0 + $1.size })
        doneBytes = order.bytes - missing.reduce(0) { $0 + $1.size }
        (order.filesDone, order.bytesDone) = (meant.count - missing.count, doneBytes)
        guard order.bytes <= files.mostBytes else { throw .tooLargeForCache(order.bytes, files.mostBytes) }
        let wanted = order.bytes - doneBytes
        if let room = CacheRoom(of: files.directory.path) {
            // What is kept of other repositories makes way.
            let kept = Int(clamping: files.metrics.total(.fileCacheBytes))
            let most = room.limit(.bytes(.max), taken: kept)
            guard wanted <= most else {
                throw Failure(
                    .payloadTooLarge,
                    detail: "\(wanted) bytes have to be fetched, and the disk of cache_dir has room for \(most).")
            }
        }
        // Small ones first: then what is missing for an offline start is known early.
        queue = missing.sorted { $0.place.rawValue < $1.place.rawValue }[...]
        note(order)
    }

    // MARK: files

    private func fetch() async throws(Failure) {
        let lanes = (0..<min(Self.lanes, queue.count)).map { _ in
            let end = Awaited<Bool>()
            EventLoop.task {
                await self.work()
                end.settle(true)
            }
            return end
        }
        for lane in lanes { _ = await lane.value() }
        if let failure { throw failure }
    }

    private func work() async {
        while failure == nil, let entry = queue.popFirst() {
            do throws(Failure) {
                try await fetch(entry)
            } catch {
                if failure == nil { failure = error.kind == .clientGone ? error : error.about(entry.path) }
            }
        }
    }

    private func fetch(_ entry: HeldEntry) async throws(Failure) {
        let path = entry.path.split(separator: "/").map { PercentEncoding.encode(segment: String($0)) }
        let target =
            "/\(order.repo.kind.webPrefix)\(order.repo.id.path)/resolve/\(order.commit)/\(path.joined(separator: "/"))"
        if entry.place == .git { try await fetchSmall(entry, target) } else { try await fetchLarge(entry, target) }
        doneBytes += entry.size
        order.filesDone += 1
        tell()
    }

    private func fetchSmall(_ entry: HeldEntry, _ target: String) async throws(Failure) {
        guard entry.size <= Self.longestGitFile else {
            throw .hubBroken("\(entry.path.shown) is in git and has \(entry.size) bytes")
        }
        var answer = try await ask(.get, target, limit: Self.longestGitFile)
        if answer.status.isRedirect, let location = answer.headers["Location"] {
            // The Hub leads on to itself.
            let next = location.hasPrefix(hub.base + "/") ? String(location.dropFirst(hub.base.utf8.count)) : location
            guard next.hasPrefix("/"), !next.hasPrefix("//") else {
                throw .hubBroken("it leads elsewhere for a file of git")
            }
            answer = try await ask(.get, next, limit: Self.longestGitFile)
        }
        guard answer.status == .ok else { throw .hubBroken("it answered \(answer.status) for a file of git") }
        let blob = Array("blob \(answer.body.count)\0".utf8) + answer.body
        guard MessageDigest.sha1(blob).hexText == entry.oid else {
            throw .hubBroken("what it sent is not the file that git names")
        }
        contents[entry.path] = try await files.keep(answer.body)
    }

    private func fetchLarge(_ entry: HeldEntry, _ target: String) async throws(Failure) {
        guard let content = entry.content, let layout = BlobLayout(size: entry.size) else { return }
        let mark = Awaited<Bool>()
        defer { partial[ObjectIdentifier(mark)] = nil }
        var attempt = 0
        while true {
            let source = try await source(of: entry, content, target)
            let before = partial[ObjectIdentifier(mark)] ?? 0
            do throws(Failure) {
                return try await files.pull(content, layout, from: source, isCancelled: isEnding) { bytes in
                    self.partial[ObjectIdentifier(mark)] = bytes
                    self.tell()
                }
            } catch {
                guard error.kind != .clientGone, error.kind != .payloadTooLarge else { throw error }
                // A URL that is signed ends, a store breaks off: as long as it goes on, it is asked again.
                attempt = (partial[ObjectIdentifier(mark)] ?? 0) > before ? 1 : attempt + 1
                guard attempt < Self.mostAttempts else { throw error }
                try await pause(min(Self.longestPause, max(error.retryAfter ?? 0, 1 << (attempt - 1))), because: error)
            }
        }
    }

    /// Where a store has it.
    private func source(of entry: HeldEntry, _ content: BlobName, _ target: String) async throws(Failure) -> FileSource
    {
        let request = Request(method: .get, target: try Target(hub: target))
        let answer = try await ask(.head, target, limit: Self.pageBytes)
        let head = Transfer.Head(status: answer.status, headers: answer.headers)
        guard let etag = head.headers["X-Linked-Etag"], BlobName(etag: etag) == content,
            let hop = try FileRedirect(head, of: request, hosts: hub.signedURLs.hosts), hop.linkedSize == entry.size
        else { throw .hubBroken("it does not lead to the file that it lists") }
        return hub.source(of: hop, userAgent: "hubgate/\(Version.number)")
    }

    private func tell() {
        order.bytesDone = min(order.bytes, doneBytes + partial.values.reduce(0, +))
        note(order)
    }

    // MARK: the end

    private func finish(_ revision: HeldRevision) async throws(Failure) {
        let directory = files.directory
        let before = directory.commit(of: order.revision, in: order.repo)
        do throws(FileError) {
            try directory.keep(revision, as: order.revision)
            if order.pins { try directory.pin(CacheDirectory.Pin(repo: order.repo, revision: order.revision)) }
        } catch {
            throw Failure(.tooBusy, detail: "cache_dir: \(error).")
        }
        let pins = directory.pinnedCommits().filter { $0.repo == order.repo }
        if pins.contains(where: { $0.commit == revision.commit }) { await files.setPinned(revision.contents, true) }
        // What only the commit before needed, where its branch was pinned, may go now.
        if let before, before != revision.commit, let old = await files.held.find(order.repo, commit: before) {
            await unpin(old.contents)
        }
        order.bytesDone = order.bytes
    }

    private func unpin(_ names: Set<BlobName>) async {
        var left = names
        for pin in files.directory.pinnedCommits() {
            if let revision = await files.held.find(pin.repo, commit: pin.commit) { left.subtract(revision.contents) }
        }
        await files.setPinned(left, false)
    }
}
