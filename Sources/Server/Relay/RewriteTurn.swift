import EventIO
import Hub

/// How long rewriting may take in one turn of the loop, for all responses together: a hostile body costs more per byte than others, and other
/// clients have their turn in between.
@EventLoop
enum RewriteTurn {
    /// In microseconds; one piece comes on top. Between two such turns the loop reads and answers other clients, which takes two.
    private static let longest = 250
    /// Bytes that are rewritten between two looks at the clock: 5 µs of most text.
    private static let bytes = 512
    /// The same where the piece before took longer than `dear`: 512 bytes of URLs that are all to be signed take a quarter of a millisecond.
    private static let dearBytes = 64
    /// In microseconds.
    private static let dear = 25

    private static var spent = 0
    private static var isDear = false

    static var pieceBytes: Int { isDear ? dearBytes : bytes }
    static var hasTime: Bool { spent < longest }

    /// Runs `work` and adds its time to the turn's, until the loop polls again.
    static func count<Result>(_ work: () throws(Failure) -> Result) throws(Failure) -> Result {
        let started = MonotonicInstant.now
        if spent == 0 { EventLoop.beforePoll { spent = 0 } }
        defer {
            let taken = MonotonicInstant.now.microseconds(since: started)
            isDear = taken > dear
            spent += 1 + taken
        }
        return try work()
    }
}
