import EventIO
import Hub

/// What rewriting may take of one turn of the loop, all responses together: a hostile body costs more a byte than others, and other
/// clients have their turn in between.
@EventLoop
enum RewriteTurn {
    /// In microseconds; one piece comes on top. Between two turns of it the loop reads and answers what others have sent, which takes two.
    private static let longest = 250
    /// So much is rewritten between two looks at the clock: 5 µs of most text.
    private static let bytes = 512
    /// The same where the piece before took longer than `dear`: of URLs that are all to be signed, 512 bytes take a quarter of a millisecond.
    private static let dearBytes = 64
    /// In microseconds.
    private static let dear = 25

    private static var spent = 0
    private static var isDear = false

    static var pieceBytes: Int { isDear ? dearBytes : bytes }
    static var hasTime: Bool { spent < longest }

    /// Runs `work` and counts how long it takes, until the loop polls again.
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
