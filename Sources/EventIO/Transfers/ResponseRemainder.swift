/// The rest of a response that is not needed. A little of it is read, so that the connection can be kept; then the call ends, since otherwise a
/// server that never ends its response would hold a place for ever.
@EventLoop
package final class ResponseRemainder {
    /// In bytes.
    private static let most = 16 * 1024
    /// In milliseconds.
    private static let patience: UInt64 = 250

    private let cancel: @EventLoop () -> Void
    private let timer: Timer
    private var bytes = 0

    /// `cancel` ends the call.
    package init(cancel: @escaping @EventLoop () -> Void) {
        self.cancel = cancel
        timer = Timer(cancel)
        timer.start(milliseconds: Self.patience)
    }

    /// More of it came, in bytes.
    package func take(_ count: Int) {
        bytes += count
        if bytes > Self.most { cancel() }
    }
}
