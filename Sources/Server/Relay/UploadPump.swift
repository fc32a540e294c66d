import EventIO
import Hub

/// Moves a request's body from the client to another server, no faster than that takes it. The call begins when the first bytes are there: a client
/// that announces a body and does not send it takes no call from others. A small body that came with its head is sent whole.
@EventLoop
final class UploadPump: BodySink {
    /// Bytes that may wait for the server before the client is paused.
    private static let highMark = 256 * 1024
    /// The most bytes that may come before the call begins.
    static let mostAhead = 16 * 1024

    /// What was wrong with the body; the call was then cancelled.
    private(set) var failure: Failure?
    /// Whether bytes have come, or the end of a body without any.
    private(set) var hasBegun = false
    private let exchange: Exchange
    private let context: RequestContext
    /// Counts the bytes for the audit.
    private let audited: AuditedBody?
    /// How much the key may still send.
    private let allowance: (any RequestAllowance)?
    private var transfer: Transfer?
    private var place: CallPlace?
    /// Bytes that came before the call began.
    private var ahead: [UInt8] = []
    private var hasEnded = false
    private var begun: (@EventLoop @Sendable (Failure?) -> Void)?

    init(from exchange: Exchange, _ context: RequestContext) {
        allowance = context.allowance
        audited = context.audited?.body
        self.exchange = exchange
        self.context = context
    }

    /// Begins to read. Calls `then` once, outside of C's callbacks, when the first bytes are there, or with the failure if none will come.
    func begin(_ then: @escaping @EventLoop @Sendable (Failure?) -> Void) {
        begun = then
        exchange.stream(into: self)
    }

    /// The whole body, where it is here before the call begins.
    var whole: [UInt8]? { hasEnded && failure == nil ? ahead : nil }

    /// Gives everything to `transfer` from here on.
    func go(on transfer: Transfer, at place: CallPlace) {
        self.transfer = transfer
        self.place = place
        transfer.onSendable = { [exchange] in
            place.received(isHeldBack: false)
            exchange.readMore()
        }
        _ = unsafe ahead.withUnsafeBufferPointer { unsafe transfer.send($0) }
        ahead = []
        if hasEnded {
            ended(failure)
        } else {
            place.received(isHeldBack: false)
            exchange.readMore()
        }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        if let audited { unsafe audited.take(bytes) }
        if let refusal = refusalOfKey ?? allowance?.refuses(body: exchange.receivedBytes) {
            if !hasEnded { ended(refusal) }
            return false
        }
        guard let transfer else {
            unsafe ahead.append(contentsOf: bytes)
            begins()
            return ahead.count < Self.mostAhead
        }
        let isHeldBack = unsafe transfer.send(bytes) >= Self.highMark
        place?.received(isHeldBack: isHeldBack)
        if let allowance, !allowance.isOpen {
            allowance.whenOpen { [self] failure in
                if let failure { ended(failure) } else { exchange.readMore() }
            }
            return false
        }
        return !isHeldBack
    }

    func end(_ error: RequestError?) {
        ended(error.map { Failure($0) } ?? refusalOfKey)
    }

    /// Why the client's key may not do this any more; nil while it may.
    private var refusalOfKey: Failure? {
        do throws(Failure) {
            try context.confirmKey()
            return nil
        } catch {
            return error
        }
    }

    private func ended(_ failure: Failure?) {
        hasEnded = true
        self.failure = self.failure ?? failure
        guard let transfer else { return begins() }
        place.take()?.receivedAll()
        if failure != nil {
            transfer.cancel()
        } else {
            transfer.sendEnd()
        }
    }

    private func begins() {
        hasBegun = true
        guard let then = begun.take() else { return }
        EventLoop.post { [self] in then(failure) }
    }
}
