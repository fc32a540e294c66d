internal import Glibc

/// A moment on the clock that only goes forward.
struct Moment: Sendable, Comparable {
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

    static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }

    func advanced(milliseconds: UInt64) -> Moment {
        Moment(nanoseconds: nanoseconds + milliseconds * 1_000_000)
    }

    /// 0 if `earlier` is not earlier.
    func milliseconds(since earlier: Moment) -> UInt64 {
        self > earlier ? (nanoseconds - earlier.nanoseconds) / 1_000_000 : 0
    }

    func microseconds(since earlier: Moment) -> Int {
        Int((nanoseconds - earlier.nanoseconds) / 1000)
    }
}
