import EventIO
import HTTP
import Hub

/// One call to another replica in the place of one to the store. What comes is looked at as the store's bytes are.
@EventLoop
final class PeerFetch {
    let origin: String
    private let peers: Peers
    private let key: PeerKey
    private let pool: TransferPool
    private let limits: Transfer.Limits
    /// Less than this in the time that it may stand still, in bytes: a client would wait for ever where bytes come one by one.
    private static let leastProgress = 64 * 1024

    private var call: PeerCall?
    private var transfer: Transfer?
    private var pace: Timer?
    private var came = 0
    private var seen = 0
    /// Why it is no answer, where a head has said so.
    private var fault: (result: MetricLabels.PeerResult, reason: String)?

    init(of peers: Peers, _ origin: String, _ key: PeerKey, _ pool: TransferPool, _ limits: Transfer.Limits) {
        (self.peers, self.origin, self.key, self.pool, self.limits) = (peers, origin, key, pool, limits)
    }

    func start(_ call: PeerCall, sink: any TransferSink) -> Transfer {
        self.call = call
        var headers = call.headers
        headers.append(
            PeerCall.signatureField, key.signature(of: call, to: origin, now: WallClock.now.seconds))
        let transfer = pool.start(
            Request(method: .get, target: .root, headers: headers), url: origin, target: call.path, limits: limits,
            sink: sink)
        self.transfer = transfer
        return transfer
    }

    /// Whether the bytes follow that were asked for. Nothing else is one: no redirect is followed.
    func takes(_ head: Transfer.Head) -> Bool {
        if call?.isAnswered(by: head) == true {
            pace = Timer { [weak self] in self?.look() }
            pace?.start(milliseconds: UInt64(limits.stall))
            return true
        }
        fault =
            switch head.status.code {
            case 206: (.broken, "it sent another range of a file than was asked for")
            case 401:
                (.refused, "it does not know this gateway: its peer_secret_file, or its clock, is another")
            case 413, 429: (.busy, "it has no room")
            case let code:
                (.refused, "it answered \(code)" + (head.headers["X-Error-Message"].map { " (\($0.shown))" } ?? ""))
            }
        return false
    }

    /// Some of the file came.
    func received(_ bytes: Int) {
        came += bytes
        peers.received(bytes)
    }

    private func look() {
        guard came - seen >= Self.leastProgress else {
            fault = (.tooSlow, "it is too slow: it sent less than 64 KiB in \(limits.stall) ms")
            transfer?.cancel()
            return
        }
        seen = came
        pace?.start(milliseconds: UInt64(limits.stall))
    }

    /// What the fill has got by it.
    enum Gain {
        case whole
        /// Bytes are missing that it was asked for.
        case short
        /// No client wants them any more, or the disk does not take them.
        case unwanted
    }

    /// The call is over.
    func end(_ outcome: Result<Void, TransferError>, as gain: Gain) {
        (pace, transfer) = (nil, nil)
        if let fault { return peers.ended(origin, fault.result, fault.reason) }
        guard gain == .short else { return peers.ended(origin, gain == .whole ? .ok : .cancelled, nil) }
        guard case .failure(let error) = outcome else {
            return peers.ended(origin, .broken, "it sent less of a file than was asked for")
        }
        switch error {
        case .unreachable(let reason): peers.ended(origin, .unreachable, "it cannot be reached: \(reason)")
        case .tooSlow(let reason): peers.ended(origin, .tooSlow, "it is too slow: \(reason)")
        case .broken(let reason): peers.ended(origin, .broken, "it broke off: \(reason)")
        case .proxy, .cancelled, .closing: peers.ended(origin, .cancelled, nil)
        }
    }
}
