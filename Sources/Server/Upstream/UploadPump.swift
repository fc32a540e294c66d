internal import Hub

/// Moves a request's body from the client to the Hub, no faster than the Hub takes it.
@EventLoop
final class UploadPump: BodySink {
    /// Bytes that may wait for the Hub before the client is paused.
    private static let highMark = 256 * 1024

    /// What was wrong with the body, if anything was: the call was then cancelled.
    private(set) var failure: Failure?
    private let transfer: Transfer

    init(from exchange: Exchange, to transfer: Transfer) {
        self.transfer = transfer
        transfer.onSendable = { exchange.readMore() }
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe transfer.send(bytes) < Self.highMark
    }

    func end(_ failure: Failure?) {
        if let failure {
            self.failure = failure
            transfer.cancel()
        } else {
            transfer.sendEnd()
        }
    }
}
