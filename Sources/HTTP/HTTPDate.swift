/// Dates of header fields (RFC 9110 section 5.6.7).
package enum HTTPDate {
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let separators = Array(",    :: GMT".utf8)
    private static let secondsOfADay = 86_400

    /// Seconds since 1970 of a date in the present form, `Sun, 06 Nov 1994 08:49:37 GMT`. Nil for any other text, also for the obsolete
    /// forms: where it matters, an unknown date counts as past.
    package static func seconds(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 29, separators(of: bytes) == Self.separators else { return nil }
        func word(_ start: Int) -> String { String(decoding: bytes[start..<start + 3], as: UTF8.self) }
        guard days.contains(word(0)), let month = months.firstIndex(of: word(8)), let day = number(bytes[5..<7]),
            let year = number(bytes[12..<16]), let hour = number(bytes[17..<19]), let minute = number(bytes[20..<22]),
            let second = number(bytes[23..<25]), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        return daysSince1970(year, month + 1, day) * secondsOfADay + hour * 3600 + minute * 60 + second
    }

    /// Days since 1970 of `2026-11-29` (RFC 3339 section 5.6, full-date). Nil for any other text, and for a day that no month has.
    package static func day(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = number(bytes[..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8...]),
            year >= 1970, (1...12).contains(month), day >= 1,
            day <= daysSince1970(month == 12 ? year + 1 : year, month % 12 + 1, 1) - daysSince1970(year, month, 1)
        else { return nil }
        return daysSince1970(year, month, day)
    }

    /// The bytes that are the same in each date.
    private static func separators(of bytes: [UInt8]) -> [UInt8] {
        [3, 4, 7, 11, 16, 19, 22].map { bytes[$0] } + bytes[25...]
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var number = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number
    }

    /// In the Gregorian calendar, with years that begin in March, so that a leap day is the last day of a year.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let (era, monthFromMarch) = (shifted / 400, (month + 9) % 12)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
