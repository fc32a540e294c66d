/// The generic cell rate algorithm (ITU-T I.371, as "virtual scheduling"): all that is known of a key's past is one number, the time at which its
/// next request would come if requests came evenly.
extension RequestRate {
    enum Admission: Equatable {
        /// What is known from here on.
        case admitted(next: UInt64)
        /// In nanoseconds, from now.
        case refused(wait: UInt64)
    }

    /// `next`: what was known, 0 for nothing. Both in nanoseconds of a clock that does not go back.
    ///
    /// A time further ahead than two bursts of this rate was noted under another rate, or was never noted: it counts as a burst of which one
    /// request is left, so that a key whose rate was raised does not wait as long as before. A time a little further ahead than one burst was
    /// noted by another process a moment later than `now`.
    func admit(at now: UInt64, next: UInt64) -> Admission {
        let latest = now.saturating(plus: tolerance)
        let isForeign = next > latest.saturating(plus: tolerance + Self.second)
        let begin = isForeign ? max(now, latest - interval) : max(next, now)
        let after = begin.saturating(plus: interval)
        return after <= latest ? .admitted(next: after) : .refused(wait: after - latest)
    }

    private static let second: UInt64 = 1_000_000_000

    /// Whole seconds after which a request is admitted, at least 1.
    static func seconds(_ wait: UInt64) -> Int {
        Int(max(1, wait / 1_000_000_000 + (wait % 1_000_000_000 == 0 ? 0 : 1)))
    }
}

extension UInt64 {
    fileprivate func saturating(plus other: UInt64) -> UInt64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
