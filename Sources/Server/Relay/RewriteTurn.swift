import EventIO
import Hub

/// What rewriting may take of one turn of the loop, all responses together: a hostile body costs more a byte than others, and other
/// clients have their turn in between.
@EventLoop
enum RewriteTurn {
    /// In microseconds; one piece comes on top.
    private static let longest = 500
    /// So much is rewritten between two looks at the clock: 5 µs of most text, a quarter of a millisecond of URLs that are all to be signed.
    static let pieceBytes = 512

    private static var spent = 0

    static var hasTime: Bool { spent < longest }

    /// Runs `work` and counts how long it takes, until the loop polls again.
    static func count<Result>(_ work: () throws(Failure) -> Result) throws(Failure) -> Result {
        let started = MonotonicInstant.now
        if spent == 0 { EventLoop.beforePoll { spent = 0 } }
        defer { spent += 1 + MonotonicInstant.now.microseconds(since: started) }
        return try work()
    }
}
