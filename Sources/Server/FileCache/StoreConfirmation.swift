import EventIO
import HTTP
import Hub

/// Asks a store whether it serves the content of an address, by its first byte. The Hub may have signed an address without checking that content is
/// there, and may lead there by a pointer that any user has written.
@EventLoop
final class StoreConfirmation: TransferSink {
    private var source: FileSource
    private let context: RequestContext
    private let cache: FileCache
    private let done: @EventLoop (Bool) -> Void
    private var transfer: Transfer?
    private var place: CallPlace?
    private var next: FileSource?
    private var isGiven = false

    /// `done` is called once, later.
    init(
        _ source: FileSource, _ context: RequestContext, in cache: FileCache, done: @escaping @EventLoop (Bool) -> Void
    ) {
        self.source = source
        self.context = context
        self.cache = cache
        self.done = done
    }

    func start() {
        if let place = cache.admission.begin(context) { return make(at: place) }
        cache.admission.wait(context) { result in
            switch result {
            case .success(let place): self.make(at: place)
            case .failure: self.done(false)
            }
        }
    }

    private func make(at place: CallPlace) {
        guard !context.isCancelled else {
            place.end()
            return EventLoop.post { self.done(false) }
        }
        self.place = place
        var headers: Headers = ["Accept-Encoding": "identity", "Range": "bytes=0-0"]
        if let userAgent = source.userAgent { headers.append("User-Agent", userAgent) }
        transfer = cache.pool.start(
            Request(method: .get, target: .root, headers: headers), url: source.url, limits: source.limits, sink: self)
    }

    func begin(_ head: Transfer.Head) {
        next = try? source.onward(head)
        isGiven = head.status == .ok || head.status == .partialContent
        transfer?.cancel()
    }

    func take(_: UnsafeBufferPointer<UInt8>) -> Bool { true }

    func end(_: Result<Void, TransferError>) {
        transfer = nil
        place.take()?.end()
        EventLoop.post { self.settle() }
    }

    private func settle() {
        guard let next = next.take() else { return done(isGiven) }
        source = next
        start()
    }
}

extension FileCache {
    /// Confirms an address, once for all requests that ask for it meanwhile. Where the store refuses the first, whose signature may have expired,
    /// each of the others asks at once: one after the other they would wait for as many time limits. Calls back once, later.
    func confirm(_ confirmation: FileConfirmation, then: @escaping @EventLoop (Bool) -> Void) {
        let key = confirmation.key
        guard confirming[key] == nil else {
            confirming[key]?.append { if $0 { then(true) } else { self.ask(confirmation, then: then) } }
            return
        }
        confirming[key] = []
        ask(confirmation) { isGiven in
            let others = self.confirming.removeValue(forKey: key) ?? []
            then(isGiven)
            for tell in others { tell(isGiven) }
        }
    }

    private func ask(_ confirmation: FileConfirmation, then: @escaping @EventLoop (Bool) -> Void) {
        confirmation.ask { isGiven in
            if isGiven { self.confirmed.insert(confirmation.key) }
            then(isGiven)
        }
    }
}

/// The addresses whose content a store has served. Where the path has the content's name in it, the query is a signature: with another signature
/// from the Hub a client would get the same content from the store, so one confirmation is enough.
struct ConfirmedAddresses {
    /// In each half.
    private static let most = 8192

    private var older: Set<Key> = []
    private var newer: Set<Key> = []

    /// A digest: a URL can be thousands of bytes long, and clients choose how many there are.
    struct Key: Hashable {
        private let digest: [UInt8]

        init(_ name: BlobName, at url: String) {
            let path = url.prefix { $0 != "?" && $0 != "#" }
            let text = path.hasSuffix("/" + name.hex) ? String(path) : name.hex + " " + url
            digest = MessageDigest.sha256(Array(text.utf8))
        }
    }

    func contains(_ key: Key) -> Bool { newer.contains(key) || older.contains(key) }

    mutating func insert(_ name: BlobName, at url: String) { insert(Key(name, at: url)) }

    mutating func insert(_ key: Key) {
        if newer.count >= Self.most { (older, newer) = (newer, []) }
        newer.insert(key)
    }
}
