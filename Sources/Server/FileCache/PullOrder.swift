import EventIO
import Glibc
import Hub

/// An order to fetch a revision: a file in `cache_dir/orders`, which one process of the gateway carries out. Its result is in the same file.
struct PullOrder: Equatable, Sendable {
    enum Status: UInt8, Sendable {
        case waiting, running, done, failed, cancelled

        var isOver: Bool { self.rawValue >= Status.done.rawValue }
    }

    /// 16 hexadecimal digits: in their order, orders are in the order of their times.
    let id: String
    let repo: RepoKey
    /// As it was ordered: a branch, a tag or a commit.
    let revision: String
    var include: [String] = []
    var exclude: [String] = []
    /// Whether its files stay.
    var pins = false
    let orderedBy: String
    /// In seconds since 1970.
    let placed: Int64

    var status = Status.waiting
    /// Why it failed, or what it waits for.
    var reason = ""
    /// Of the command that ordered it.
    var exitCode: Int32 = 0
    var commit = ""
    var files = 0
    var filesDone = 0
    var bytes = 0
    var bytesDone = 0
    var changed: Int64 = 0

    static func newID(now: Int64) -> String {
        let text = String(UInt64(clamping: now) << 24 | UInt64.random(in: 0..<1 << 24), radix: 16)
        return String(repeating: "0", count: max(0, 16 - text.utf8.count)) + text
    }

    static func isID(_ text: String) -> Bool {
        text.utf8.count == 16 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// As commands and the admin API say it.
    var json: JSON {
        [
            "id": .string(id), "type": .string(repo.kind.apiName), "repo": .string(repo.id.text),
            "revision": .string(revision), "commit": commit.isEmpty ? .null : .string(commit),
            "include": .array(include.map { .string($0) }), "exclude": .array(exclude.map { .string($0) }),
            "pin": .bool(pins), "status": .string("\(status)"), "reason": reason.isEmpty ? .null : .string(reason),
            "files": .integer(Int64(files)), "files_done": .integer(Int64(filesDone)),
            "bytes": .integer(Int64(bytes)), "bytes_done": .integer(Int64(bytesDone)),
            "ordered_by": .string(orderedBy), "ordered": .string(WallClock.iso8601(placed)),
        ]
    }
}

extension PullOrder {
    private static let version: UInt8 = 1

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.put(Self.version)
        for text in [id, repo.folder, revision, orderedBy, reason, commit] { writer.put(text) }
        writer.put(include)
        writer.put(exclude)
        writer.put(UInt8(pins ? 1 : 0))
        writer.put(status.rawValue)
        for number in [
            placed, Int64(exitCode), Int64(files), Int64(filesDone), Int64(bytes), Int64(bytesDone), changed,
        ] {
            writer.put(number)
        }
        return writer.bytes
    }

    /// Nil for bytes that `encoded` cannot have made.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard reader.number(UInt8.self) == Self.version, let id = reader.text(), Self.isID(id),
            let repo = reader.text().flatMap({ RepoKey(folder: $0) }), let revision = reader.text(),
            (try? Revision(revision)) != nil, let by = reader.text(), let reason = reader.text(),
            let commit = reader.text(), let include = reader.texts(), let exclude = reader.texts(),
            PathFilter.fault(include + exclude) == nil, let pins = reader.number(UInt8.self),
            let status = reader.number(UInt8.self).flatMap(Status.init(rawValue:))
        else { return nil }
        var numbers: [Int64] = []
        for _ in 0..<7 {
            guard let number = reader.number(Int64.self), number >= 0 else { return nil }
            numbers.append(number)
        }
        self.init(
            id: id, repo: repo, revision: revision, include: include, exclude: exclude, pins: pins == 1, orderedBy: by,
            placed: numbers[0])
        (self.status, self.reason, self.commit, exitCode) = (status, reason, commit, Int32(clamping: numbers[1]))
        (files, filesDone, self.bytes, bytesDone) = (Int(numbers[2]), Int(numbers[3]), Int(numbers[4]), Int(numbers[5]))
        changed = numbers[6]
    }
}

extension CacheDirectory {
    /// The most orders that have not ended.
    static let mostOrders = 1000

    private func path(of id: String) -> String { "\(orders)/\(id)" }
    private func cancelPath(of id: String) -> String { "\(orders)/\(id).cancel" }

    /// The oldest first.
    func orderNames() -> [String] { (SystemFiles.list(orders) ?? []).filter { PullOrder.isID($0) } }

    /// The oldest first.
    func allOrders() -> [PullOrder] { orderNames().compactMap { order($0) } }

    /// The same, a part in each turn of the loop.
    @EventLoop
    func allOrdersInTurns() async -> [PullOrder] {
        var (found, share): ([PullOrder], _) = ([], TurnShare())
        for id in orderNames() {
            if let order = order(id) { found.append(order) }
            await share.pause()
        }
        return found
    }

    func order(_ id: String) -> PullOrder? {
        (try? read(path(of: id), atMost: 1 << 20)).flatMap { PullOrder($0) }
    }

    func note(_ order: PullOrder) throws(FileError) { try replace(path(of: order.id), with: order.encoded) }

    func removeOrder(_ id: String) {
        unsafe unlink(path(of: id))
        unsafe unlink(cancelPath(of: id))
    }

    /// The process that carries it out finds this, and ends it.
    func cancel(_ order: PullOrder) throws(FileError) { try replace(cancelPath(of: order.id), with: []) }

    func isCancelled(_ order: PullOrder) -> Bool { unsafe access(cancelPath(of: order.id), F_OK) == 0 }

    /// Whether a running gateway uses this directory.
    var isServed: Bool {
        (try? StoredFile(lockPath, .read))?.isClaimedElsewhere(0..<1) ?? false
    }
}
