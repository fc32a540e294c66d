import EventIO
import HTTP

/// The keys in a worker's memory, kept up to date by the state process. To ask it is to look into an array: no file, no database.
@EventLoop
final class KeyStore {
    private var keys = KeyIndex()
    /// What comes in anew while the present ones still count.
    private var incoming: KeyIndex?
    let client: StateClient
    private lazy var report = Timer { [weak self] in self?.tellUses() }

    /// How often uses are told to the state process, in milliseconds.
    private static let reportMilliseconds: UInt64 = 2000
    /// A worker that has no keys after so long does not start.
    private static let loadMilliseconds: UInt64 = 30_000

    /// Waits for all keys. Throws when they do not come.
    init(_ client: StateClient) throws(CError) {
        self.client = client
        client.onKeys = { [weak self] in self?.take($0, isFirst: $1, isLast: $2) }
        guard client.loadKeys(milliseconds: Self.loadMilliseconds) else {
            throw CError(client.trouble.isEmpty ? "the keys did not come from the state process" : client.trouble)
        }
        client.begin()
        report.start(milliseconds: Self.reportMilliseconds)
    }

    /// Who shows the key in these header fields.
    func identify(_ headers: Headers) throws(KeyRefusal) -> KeyIdentity {
        try keys.identify(try ShownKey.read(headers), now: Int64(WallClock.now.seconds))
    }

    /// A key that was good when it was shown; nil if it is no more.
    func identity(_ publicID: Int64) -> KeyIdentity? { keys.identity(publicID, now: Int64(WallClock.now.seconds)) }

    private func take(_ records: [KeyRecord], isFirst: Bool, isLast: Bool) {
        if isFirst { incoming = KeyIndex(capacity: keys.count + keys.count / 8) }
        guard var next = incoming else {
            for record in records { keys.apply(record) }
            return
        }
        // No copy: nobody else holds it.
        incoming = nil
        for record in records { next.apply(record) }
        guard isLast else {
            incoming = next
            return
        }
        tellUses()
        keys = next
    }

    /// Tells of what was used since the last time, at the end too.
    func tellUses() {
        defer { report.start(milliseconds: Self.reportMilliseconds) }
        while case let uses = keys.takeUses(KeyUses.most), !uses.isEmpty {
            client.append(KeyUses(uses).record)
        }
    }
}
