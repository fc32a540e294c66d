import Glibc

/// Monotonic clock reading.
package struct MonotonicInstant: Sendable, Comparable {
    /// Since the system's start.
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    package static var now: MonotonicInstant {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// Since the system's start.
    package var microseconds: Int { Int(nanoseconds / 1000) }

    /// The same, in milliseconds.
    package var milliseconds: Int { Int(nanoseconds / 1_000_000) }

    package static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package func advanced(milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: nanoseconds + milliseconds * 1_000_000)
    }

    /// 0 if `earlier` is not earlier.
    package func milliseconds(since earlier: MonotonicInstant) -> UInt64 {
        self > earlier ? (nanoseconds - earlier.nanoseconds) / 1_000_000 : 0
    }

    package func microseconds(since earlier: MonotonicInstant) -> Int {
        Int((nanoseconds - earlier.nanoseconds) / 1000)
    }
}

/// The time of day in the forms of the protocol and the log; made again once a second.
///
/// A class, so that a reader takes one reference and no copies of its texts.
@EventLoop
package final class WallClock {
    /// RFC 9110 section 5.6.7, for example `Sun, 06 Nov 1994 08:49:37 GMT`.
    package let httpDate: String
    /// The same as a field of a head, with its line end.
    let dateLine: [UInt8]
    /// For example `1994-11-06T08:49:37Z`.
    package let iso8601: String
    /// Since 1970.
    package let seconds: Int

    private static var latest = WallClock(0)

    package static var now: WallClock {
        let seconds = time(nil)
        if latest.seconds != seconds {
            latest = WallClock(seconds)
        }
        return latest
    }

    /// Since 1970, to the microsecond.
    package nonisolated static var microseconds: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    private init(_ seconds: Int) {
        self.seconds = seconds
        var moment = time_t(seconds)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&moment, &parts)
        httpDate = unsafe Self.text(&parts, "%a, %d %b %Y %H:%M:%S GMT")
        dateLine = Array("Date: \(httpDate)\r\n".utf8)
        iso8601 = unsafe Self.text(&parts, Self.iso8601Form)
    }

    /// The present second as in `iso8601`, for code that is not on the loop.
    package nonisolated static var iso8601Now: String {
        var moment = time(nil)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&moment, &parts)
        return unsafe text(&parts, iso8601Form)
    }

    /// `seconds` since 1970 in that form.
    package nonisolated static func iso8601(_ seconds: Int64) -> String {
        var moment = time_t(seconds)
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&moment, &parts)
        return unsafe text(&parts, iso8601Form)
    }

    private nonisolated static let iso8601Form = "%Y-%m-%dT%H:%M:%SZ"

    private nonisolated static func text(_ parts: inout tm, _ format: String) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            let length = unsafe strftime(start, buffer.count, format, &parts)
            return unsafe String(decoding: UnsafeRawBufferPointer(buffer).prefix(length), as: UTF8.self)
        }
    }
}
