/// Counts the requests in flight, and lets a shutdown wait for them.
@EventLoop
final class Lifecycle {
    private(set) var isDraining = false
    private(set) var inFlight = 0
    private var waiter: CheckedContinuation<Void, Never>?

    func began() {
        inFlight += 1
    }

    func ended() {
        inFlight -= 1
        if inFlight == 0 {
            waiter?.resume()
            waiter = nil
        }
    }

    func beginDrain() {
        isDraining = true
    }

    /// Returns when no request is in flight, or after `milliseconds`.
    func idle(within milliseconds: UInt64) async {
        guard inFlight > 0 else { return }
        let limit = Timer {
            self.waiter?.resume()
            self.waiter = nil
        }
        limit.start(milliseconds: milliseconds)
        await withCheckedContinuation { waiter in
            // Looked at again: see `Transfer.head()`.
            if inFlight == 0 { waiter.resume() } else { self.waiter = waiter }
        }
        limit.stop()
    }
}
