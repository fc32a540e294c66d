import EventIO
import HTTP

/// The keys in a worker's memory, kept up to date by the state process. A look-up reads an array: no file, no database.
@EventLoop
final class KeyStore {
    private var keys = KeyIndex()
    private var seen = ShownKeyCache()
    /// All keys as they come in again, while the present ones still count.
    private var incoming: KeyIndex?
    private var roles = RoleBook.presets
    private var policy = KeyPolicy.enforce
    let client: StateClient
    /// Rises when a key is new or has changed, and when the meaning of roles or certificates may have changed.
    private(set) var changes = 0
    /// By the present settings.
    private(set) var identification: Identification?
    /// Called when a key is new or has changed.
    var onChange: (() -> Void)?
    /// Lines for the log.
    private let warn: (String) -> Void
    /// Warnings that were given: each once, and no more of them than an operator reads.
    private var warned: Set<String> = []
    private lazy var report = Timer { [weak self] in self?.sendUses() }

    private static let mostWarnings = 100
    /// How often uses are told to the state process, in milliseconds.
    private static let reportMilliseconds: UInt64 = 2000
    /// A worker that has no keys after so long does not start.
    private static let loadMilliseconds: UInt64 = 30_000

    /// Waits for all keys. Throws when they do not come.
    init(_ client: StateClient, warn: @escaping (String) -> Void) throws(CError) {
        self.client = client
        self.warn = warn
        client.onKeys = { [weak self] in self?.take($0, isFirst: $1, isLast: $2) }
        guard client.loadKeys(milliseconds: Self.loadMilliseconds) else {
            throw CError(client.trouble.isEmpty ? "the keys did not come from the state process" : client.trouble)
        }
        client.begin()
        report.start(milliseconds: Self.reportMilliseconds)
    }

    /// The key in these header fields, and whether it came in a form that a browser could add by itself.
    func identify(_ headers: Headers) throws(KeyRefusal) -> (key: KeyIdentity, isBasic: Bool) {
        let now = Int64(WallClock.now.seconds)
        let mark = headers.withFirst("Authorization") { seen.mark($0) } ?? nil
        if let mark, let entry = seen.find(mark, now: now) {
            return (try keys.use(entry.verified, now: now), entry.isBasic)
        }
        let verified = try keys.verify(try ShownKey.read(headers), now: now)
        let isBasic = ShownKey.isBasic(headers)
        if let mark { seen.keep(ShownKeyCache.Entry(mark: mark, verified: verified, isBasic: isBasic)) }
        return (try keys.use(verified, now: now), isBasic)
    }

    /// A key that was valid when it was shown; nil if it is not any more.
    func identity(_ publicID: Int64) -> KeyIdentity? { keys.identity(publicID, now: Int64(WallClock.now.seconds)) }

    /// The same, but throws why it is not valid any more.
    func present(_ key: KeyIdentity) throws(KeyRefusal) -> KeyIdentity {
        try keys.present(key, now: Int64(WallClock.now.seconds))
    }

    /// Sets how clients become principals, from the next request on.
    func use(_ identification: Identification) {
        self.identification = identification
        changes += 1
    }

    /// Sets the meaning of roles from the next request on. `policy` is that of keys that have none of their own.
    func use(_ roles: RoleBook, policy: KeyPolicy) {
        (self.roles, self.policy) = (roles, policy)
        keys.use(roles, policy: policy)
        changes += 1
        warned = []
    }

    /// Tells the operator that a key in use allows nothing, and why.
    func note(fault: String, of key: KeyIdentity) {
        guard warned.count < Self.mostWarnings, warned.insert(key.name).inserted else { return }
        warn("The key \(key.name) is refused everything: \(fault).")
    }

    private func take(_ records: [KeyRecord], isFirst: Bool, isLast: Bool) {
        onChange?()
        changes += 1
        if isFirst {
            incoming = KeyIndex(capacity: keys.count + keys.count / 8)
            incoming?.use(roles, policy: policy)
        }
        guard var next = incoming else {
            seen.drop()
            for record in records { keys.apply(record) }
            return
        }
        // The only reference is moved, so no copy is made.
        incoming = nil
        for record in records { next.apply(record) }
        guard isLast else {
            incoming = next
            return
        }
        sendUses()
        seen.drop()
        keys = next
    }

    /// Reports the keys that were used since the last report; also called at the end.
    func sendUses() {
        defer { report.start(milliseconds: Self.reportMilliseconds) }
        while case let uses = keys.takeUses(KeyUses.most), !uses.isEmpty {
            client.append(KeyUses(uses).record)
        }
    }
}
