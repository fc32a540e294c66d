/// For work that would hold the loop for long: measures its present turn. `pause` is called between any two steps of less than a tenth of a millisecond.
@EventLoop
package struct TurnShare {
    /// In microseconds.
    private static let longest = 500

    private var began = MonotonicInstant.now

    package init() {}

    /// Lets other work have its turn where this one was long enough.
    package mutating func pause() async {
        guard MonotonicInstant.now.microseconds(since: began) >= Self.longest else { return }
        await withCheckedContinuation { continuation in EventLoop.post { continuation.resume() } }
        began = .now
    }
}
