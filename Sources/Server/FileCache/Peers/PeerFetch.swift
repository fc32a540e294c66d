import EventIO
import HTTP
import Hub

/// One call to another replica instead of the store. Its bytes are checked as the store's are.
@EventLoop
final class PeerFetch {
    let origin: String
    private let name: BlobName
    private let peers: Peers
    private let key: PeerKey
    private let pool: TransferPool
    private let limits: Transfer.Limits
    /// The least number of bytes in the time that it may stand still: where bytes come one by one a client would wait for ever.
    private static let leastProgress = 64 * 1024

    private var call: PeerCall?
    private var transfer: Transfer?
    private var pace: Timer?
    private var came = 0
    private var seen = 0
    /// Its head said that the bytes follow: later faults have to do with this file, or with the disk it lies on.
    private var isAnswered = false
    /// Why a head is not accepted.
    private var refusal: Failed?

    private typealias Failed = (result: MetricLabels.PeerResult, whose: PeerRests.Fault, reason: String)

    init(
        of peers: Peers, _ origin: String, _ name: BlobName, _ key: PeerKey, _ pool: TransferPool,
        _ limits: Transfer.Limits
    ) {
        (self.peers, self.origin, self.name, self.key, self.pool, self.limits) = (
            peers, origin, name, key, pool, limits
        )
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

    /// Whether the bytes follow that were asked for. Nothing else is accepted: no redirect is followed.
    func takes(_ head: Transfer.Head) -> Bool {
        if call?.isAnswered(by: head) == true {
            isAnswered = true
            pace = Timer { [weak self] in self?.look() }
            pace?.start(milliseconds: UInt64(limits.stall))
            return true
        }
        refusal =
            switch head.status.code {
            case 206: (.broken, .ofReplica, "it sent another range of a file than was asked for")
            case 401:
                (.refused, .ofReplica, "it does not know this gateway: its peer_secret_file, or its clock, is another")
            case 413, 429: (.busy, .ofFile, "it has no room")
            case let code:
                // 403: it does not follow the address, or by its list another replica owns the file.
                (
                    .refused, code == 403 ? .ofFile : .ofReplica,
                    "it answered \(code)" + (head.headers["X-Error-Message"].map { " (\($0.shown))" } ?? "")
                )
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
            refusal = (.tooSlow, .ofFile, "it is too slow: it sent less than 64 KiB in \(limits.stall) ms")
            transfer?.cancel()
            return
        }
        seen = came
        pace?.start(milliseconds: UInt64(limits.stall))
    }

    /// What the fill has got from it.
    enum Gain {
        case whole
        /// Bytes that were asked for are missing.
        case short
        /// No client wants them any more, or the disk does not take them.
        case unwanted
    }

    /// The call is over.
    func end(_ outcome: Result<Void, TransferError>, as gain: Gain) {
        (pace, transfer) = (nil, nil)
        if let failed = refusal ?? (gain == .short ? failed(by: outcome) : nil) {
            peers.failed(origin, name, failed.result, failed.whose, because: failed.reason)
        } else {
            peers.ended(origin, gain == .whole ? .ok : .cancelled)
        }
    }

    /// Nil where this gateway ended it.
    private func failed(by outcome: Result<Void, TransferError>) -> Failed? {
        let whose: PeerRests.Fault = isAnswered ? .ofFile : .ofReplica
        guard case .failure(let error) = outcome else {
            return (.broken, whose, "it sent less of a file than was asked for")
        }
        return switch error {
        case .unreachable(let reason): (.unreachable, .ofReplica, "it cannot be reached: \(reason)")
        case .tooSlow(let reason): (.tooSlow, whose, "it is too slow: \(reason)")
        case .broken(let reason): (.broken, whose, "it broke off: \(reason)")
        case .proxy, .cancelled, .closing: nil
        }
    }
}
