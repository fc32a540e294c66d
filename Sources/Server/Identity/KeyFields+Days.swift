import HTTP

extension KeyFields {
    private static let secondsADay: Int64 = 86_400

    /// The days of a usage report, counted from 1970 (UTC): `since` is a time to look back, such as `7d`, or a day; `until` is a day, and today where it
    /// is nil.
    static func days(
        since: String, until: String?, as names: (since: String, until: String), now: Int64
    ) throws(KeyFieldFault) -> ClosedRange<Int64> {
        let first: Int64
        if let day = HTTPDate.day(since) {
            first = Int64(day)
        } else {
            guard let seconds = try? seconds(since, of: names.since) else {
                throw KeyFieldFault(
                    reason: "\(names.since): a time to look back, such as 7d, or a day such as 2026-11-01")
            }
            first = (now - seconds) / secondsADay
        }
        guard let last = until.map({ text in HTTPDate.day(text).map { Int64($0) } }) ?? now / secondsADay else {
            throw KeyFieldFault(reason: "\(names.until): a day such as 2026-11-29")
        }
        guard first <= last else {
            throw KeyFieldFault(reason: "\(names.until) is before \(names.since)")
        }
        return max(0, first)...max(0, last)
    }
}
