import EventIO
import HTTP
import Hub

/// The other replicas, as this process knows them: which of them is asked for a file, and the calls that they make here.
///
/// They are asked over connections of their own, and directly: neither a proxy nor the limits of the Hub have to do with it. A peer that fails
/// is not called for a while (`PeerRests`); meanwhile files come from the store.
@EventLoop
final class Peers {
    /// Calls at once, in each direction. Beyond that the store is called.
    private static let most = 256

    /// How long a peer may take, in milliseconds: its head comes at once, whatever the store does. A client often waits 10 s, and within that time
    /// the store has to have its turn as well.
    private static func limits(stall: UInt32) -> Transfer.Limits {
        Transfer.Limits(connect: 2_000, firstByte: 2_000, stall: min(stall, 6_000))
    }

    private let metrics: Metrics
    private let warn: (String) -> Void
    private let nameServer: String?
    /// Nil: the system's authorities.
    private var authorities: String?
    private var ring: PeerRing?
    private var key: PeerKey?
    private var limits = Peers.limits(stall: .max)
    private var pool: TransferPool?
    private var isClosed = false
    private var rests = PeerRests()
    private var asked = 0
    private var served = 0
    private var nonces = PeerNonces()

    init(_ settings: Settings, metrics: Metrics, warn: @escaping (String) -> Void) {
        self.metrics = metrics
        self.warn = warn
        nameServer = settings.nameServer?.description
        use(settings)
    }

    func use(_ settings: Settings) {
        ring = settings.peerSelf.map {
            PeerRing(origins: settings.peers.addresses.map(\.origin), own: $0.origin)
        }
        key = settings.peerSecret?.secret.flatMap(PeerKey.init)
        limits = Self.limits(stall: settings.stallTimeout.milliseconds)
        guard authorities != settings.peerAuthorities else { return }
        authorities = settings.peerAuthorities
        // The replicas of its connections may no longer be trusted.
        pool.take()?.close()
    }

    /// At the end: ends the calls under way.
    func close() {
        isClosed = true
        pool?.close()
    }

    var isIdle: Bool { pool?.isIdle ?? true }

    // MARK: calls to peers

    /// A call to the replica that owns the file; nil where the store is to be asked.
    func call(for name: BlobName, _ source: FileSource) -> PeerFetch? {
        guard source.asksPeers, let ring, let key, !isClosed else { return nil }
        let owner = ring.owner(of: name)
        guard owner != ring.own, PeerCall.canHave(source: source.url) else { return nil }
        guard asked < Self.most, !rests.isResting(owner, name, now: .now), let pool = opened() else {
            count(.skipped)
            return nil
        }
        asked += 1
        return PeerFetch(of: self, owner, name, key, pool, limits)
    }

    /// Whether such a call would be made.
    func areAsked(for name: BlobName, _ source: FileSource) -> Bool {
        guard source.asksPeers, let ring, key != nil, !isClosed else { return false }
        let owner = ring.owner(of: name)
        return owner != ring.own && !rests.isResting(owner, name, now: .now)
    }

    /// The pool, which is made for the first call.
    private func opened() -> TransferPool? {
        if pool == nil {
            do throws(CError) {
                pool = try TransferPool(
                    trust: authorities.map { .file($0) } ?? .system, dnsServer: nameServer, connections: Self.most)
            } catch {
                warn("peers: no replica can be asked: \(error).")
                (ring, key) = (nil, nil)
            }
        }
        return pool
    }

    /// A call has ended without a fault of the peer's.
    func ended(_ origin: String, _ result: MetricLabels.PeerResult) {
        asked -= 1
        count(result)
        if result == .ok, rests.gave(origin) { warn("peers: \(origin) gives files again.") }
    }

    /// A call has failed. `reason` follows the peer's name.
    func failed(
        _ origin: String, _ name: BlobName, _ result: MetricLabels.PeerResult, _ fault: PeerRests.Fault,
        because reason: String
    ) {
        asked -= 1
        count(result)
        // The replica is there, and busy.
        guard result != .busy else { return }
        leave(origin, name, fault, for: PeerRests.rest, because: reason)
    }

    /// The bytes that it gave of a file were, in all, not the file.
    func sentWrong(_ origin: String, _ name: BlobName) {
        count(.wrong)
        _ = rests.gave(origin)
        leave(
            origin, name, .ofReplica, for: PeerRests.longRest,
            because: "what came of the file \(name.hex) while it was asked was not the file")
    }

    private func leave(
        _ origin: String, _ name: BlobName, _ fault: PeerRests.Fault, for milliseconds: UInt64, because reason: String
    ) {
        let seconds = milliseconds / 1000
        switch rests.failed(origin, name, fault, for: milliseconds, now: .now) {
        case .ofReplica:
            warn("peers: \(origin): \(reason). It is left alone for \(seconds) s; files come from the store meanwhile.")
        case .ofFile:
            warn(
                "peers: \(origin): of the file \(name.hex) \(reason). For \(seconds) s that file comes from the store.")
        case nil: break
        }
    }

    func count(_ result: MetricLabels.PeerResult) { metrics.add(.peerRequests, at: result.rawValue) }

    func received(_ bytes: Int) { metrics.add(.peerReceivedBytes, UInt64(bytes)) }

    // MARK: calls of peers

    /// Accepts a call of another replica. Until `left`, it has one of the places for these.
    func admit(_ request: Request, _ target: Target) throws(Failure) -> PeerCall {
        guard let ring, let key else { throw .notFound("endpoint \(target.loggable)") }
        guard request.method == .get else { throw .methodNotAllowed(request.method, allow: [.get]) }
        let call = try opened(request, target, by: key, at: ring.own)
        // Otherwise two replicas that disagree could wait for each other.
        guard ring.owner(of: call.name) == ring.own else { throw refused(Failure.notOwner) }
        guard served < Self.most else { throw busy }
        served += 1
        return call
    }

    private func opened(_ request: Request, _ target: Target, by key: PeerKey, at own: String) throws(Failure)
        -> PeerCall
    {
        guard let call = PeerCall(request, target), let signature = request.headers[PeerCall.signatureField],
            let nonce = key.nonce(of: signature, for: call, to: own, now: WallClock.now.seconds)
        else { throw refused(.unknown) }
        switch nonces.take(nonce, now: MonotonicInstant.now.milliseconds / 1000) {
        case .new: return call
        case .known: throw refused(.repeated)
        case .full: throw busy
        }
    }

    /// The call is served.
    func serves() { metrics.add(.peerCalls, at: MetricLabels.PeerAnswer.served.rawValue) }

    /// The call is refused. Its place is free.
    func refused(_ failure: Failure) -> Failure {
        metrics.add(.peerCalls, at: MetricLabels.PeerAnswer.refused.rawValue)
        return failure
    }

    private func refused(_ refusal: PeerRefusal) -> Failure {
        metrics.add(.peerCalls, at: MetricLabels.PeerAnswer.unknown.rawValue)
        return refusal.failure
    }

    private var busy: Failure {
        metrics.add(.peerCalls, at: MetricLabels.PeerAnswer.busy.rawValue)
        return Failure(.limitReached, detail: "Peers have as many calls under way here as they may.", retryAfter: 1)
    }

    /// The response to a call that was accepted has ended.
    func left() { served -= 1 }
}
