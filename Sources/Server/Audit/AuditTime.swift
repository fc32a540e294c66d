import HTTP

/// A time by which the audit is asked, as people write it.
enum AuditTime {
    static let accepted = "a time in UTC such as 2026-11-29 or 2026-11-29T12:00"

    /// The largest hour, minute and second.
    private static let most = ["23", "59", "60"]

    /// The beginning of the time of a line, by which texts are compared: `2026-11-29`, and as much of `T12:00:00.5` as is given. Nil for all else.
    static func beginning(_ text: String) -> String? {
        let day = String(text.prefix(10))
        guard HTTPDate.day(day) != nil else { return nil }
        var clock = text.dropFirst(10)
        guard let separator = clock.popFirst() else { return day }
        if clock.last == "Z" { clock.removeLast() }
        let fields = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard separator == "T" || separator == " ", fields.count <= most.count else { return nil }
        for (index, field) in fields.enumerated() {
            let (whole, fraction) = (field.prefix(2), field.dropFirst(2))
            let isFraction = index == 2 && fraction.first == "." && isNumber(fraction.dropFirst())
            guard whole.utf8.count == 2, isNumber(whole), whole <= most[index], fraction.isEmpty || isFraction else {
                return nil
            }
        }
        return "\(day)T\(clock)"
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
