import HTTP
import Testing

@Suite("Dates of header fields")
struct HTTPDateTests {
    @Test(
        "A date as it is sent today is a number of seconds",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
        ])
    func read(text: String, seconds: Int) { #expect(HTTPDate.seconds(text) == seconds) }

    @Test(
        "All else is none",
        arguments: [
            "", "0", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +00", "Sun 06 Nov 1994 08:49:37 GMT.", "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT", "sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 199\u{0664} 08:49:37 GM", "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun,  6 Nov 1994 08:49:37 GMT",
        ])
    func refused(text: String) { #expect(HTTPDate.seconds(text) == nil) }

    @Test(
        "A day is read as the days since 1970",
        arguments: [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-29", 20_786), ("9999-12-31", 2_932_896)])
    func day(text: String, days: Int) { #expect(HTTPDate.day(text) == days) }

    @Test(
        "What is no day is none",
        arguments: [
            "", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-04-31", "1969-12-31", "2026-1-01",
            "2026/11/29",
            "2026-11-29T", "20261129", "2026-11-2x", "-026-11-29",
        ])
    func noDay(text: String) { #expect(HTTPDate.day(text) == nil) }
}
