import EventIO
import Hub

/// Moves a request's body from the client to the Hub, no faster than the Hub takes it. The call begins when the first bytes are there: a client
/// that says it will send a body, and does not, takes no call from others.
@EventLoop
final class UploadPump: BodySink {
    /// Bytes that may wait for the Hub before the client is paused.
    private static let highMark = 256 * 1024

    /// What was wrong with the body, if anything was: the call was then cancelled.
    private(set) var failure: Failure?
    private let exchange: Exchange
    private var transfer: Transfer?
    private var place: CallPlace?
    /// What came before the call began: a piece as the client's connection reads it.
    private var first: [UInt8] = []
    private var hasEnded = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// Begins to read.
    init(from exchange: Exchange) {
        self.exchange = exchange
        exchange.stream(into: self)
    }

    /// Returns when the first bytes are there, or the end of a body without any. Throws why neither will come.
    func begun(_ context: RequestContext) async throws(Failure) {
        if first.isEmpty, !hasEnded, !context.isCancelled {
            context.onCancel = { self.wake() }
            await withCheckedContinuation { waiter = $0 }
            context.onCancel = nil
        }
        if let failure { throw failure }
        if context.isCancelled { throw .clientGone }
    }

    /// Gives all to `transfer` from here on.
    func go(on transfer: Transfer, at place: CallPlace) {
        self.transfer = transfer
        self.place = place
        transfer.onSendable = { [exchange] in
            place.received(isHeldBack: false)
            exchange.readMore()
        }
        _ = unsafe first.withUnsafeBufferPointer { unsafe transfer.send($0) }
        first = []
        if hasEnded {
            ended(failure)
        } else {
            place.received(isHeldBack: false)
            exchange.readMore()
        }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let transfer else {
            unsafe first.append(contentsOf: bytes)
            wake()
            return false
        }
        let isHeldBack = unsafe transfer.send(bytes) >= Self.highMark
        place?.received(isHeldBack: isHeldBack)
        return !isHeldBack
    }

    func end(_ error: RequestError?) {
        ended(error.map { Failure($0) })
    }

    private func ended(_ failure: Failure?) {
        hasEnded = true
        self.failure = self.failure ?? failure
        guard let transfer else { return wake() }
        place.take()?.receivedAll()
        if failure != nil {
            transfer.cancel()
        } else {
            transfer.sendEnd()
        }
    }

    private func wake() {
        waiter?.resume()
        waiter = nil
    }
}
