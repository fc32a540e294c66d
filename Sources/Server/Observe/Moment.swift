internal import Glibc

/// A moment on the clock that only goes forward.
struct Moment: Sendable {
    private let nanoseconds: UInt64

    static var now: Moment {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// Since the system's start.
    var microseconds: Int { Int(nanoseconds / 1000) }

    /// The same, in milliseconds.
    var milliseconds: Int { Int(nanoseconds / 1_000_000) }

    func microseconds(since earlier: Moment) -> Int {
        Int((nanoseconds - earlier.nanoseconds) / 1000)
    }
}
