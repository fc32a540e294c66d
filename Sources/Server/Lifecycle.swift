/// Counts the requests in flight, and knows whether the gateway is leaving.
@EventLoop
final class Lifecycle {
    private(set) var isDraining = false
    private(set) var inFlight = 0

    func began() {
        inFlight += 1
    }

    func ended() {
        inFlight -= 1
    }

    func beginDrain() {
        isDraining = true
    }
}
