import CEvent
@testable import EventIO
@testable import HTTP
@testable import Hub
import Testing

@Suite("The gate")
struct RequestParserTests {
    private static func get(_ fields: String = "", target: String = "/a") -> String {
        "GET \(target) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n"
    }

    @Test("reports a head with its fields in order, names as received and values trimmed")
    func reportsHead() throws {
        let head = try #require(ParserDriver.heads(of: Self.get("X-One: \t1 2 \t\r\nx-two:\r\n", target: "/a?b")).first)
        #expect(head.method == "GET")
        #expect(head.target == "/a?b")
        let fields = head.fields.map { "\($0.name)=\($0.value)" }
        #expect(fields == ["Host=h", "X-One=1 2", "x-two="])
        #expect(head.framing == CE_FRAMING_NONE.rawValue)
        #expect(!head.closes && !head.isHTTP10 && !head.expectsContinue)
    }

    @Test(
        "reports the real framing",
        arguments: [
            ("", CE_FRAMING_NONE.rawValue, UInt64(0)),
            ("Content-Length: 0\r\n", CE_FRAMING_LENGTH.rawValue, 0),
            ("Content-Length: 999999999999999999\r\n", CE_FRAMING_LENGTH.rawValue, 999_999_999_999_999_999),
            ("Transfer-Encoding: Chunked\r\n", CE_FRAMING_CHUNKED.rawValue, 0),
        ])
    func reportsFraming(_ fields: String, _ framing: UInt32, _ length: UInt64) throws {
        let head = try #require(ParserDriver.heads(of: Self.get(fields)).first)
        #expect(head.framing == framing)
        #expect(head.length == length)
    }

    @Test(
        "knows when the connection is to be closed",
        arguments: [
            ("HTTP/1.1", "", false), ("HTTP/1.1", "Connection: close\r\n", true),
            ("HTTP/1.1", "Connection: x\r\nConnection: y , CLOSE\r\n", true),
            ("HTTP/1.1", "Connection: closed\r\n", false),
            ("HTTP/1.0", "", true), ("HTTP/1.0", "Connection: keep-alive\r\n", true),
        ])
    func knowsClose(_ version: String, _ fields: String, _ closes: Bool) throws {
        let head = try #require(ParserDriver.heads(of: "GET / \(version)\r\nHost: h\r\n\(fields)\r\n").first)
        #expect(head.closes == closes)
    }

    @Test(
        "takes an expectation seriously only in HTTP/1.1 and before a body",
        arguments: [
            ("HTTP/1.1", "Content-Length: 1\r\n", true), ("HTTP/1.1", "Transfer-Encoding: chunked\r\n", true),
            ("HTTP/1.1", "Content-Length: 0\r\n", false), ("HTTP/1.1", "", false),
            ("HTTP/1.0", "Content-Length: 1\r\n", false),
        ])
    func expectation(_ version: String, _ fields: String, _ expects: Bool) throws {
        let text = "POST / \(version)\r\nHost: h\r\nExpect: 100-continue\r\n\(fields)\r\n"
        #expect(try #require(ParserDriver.heads(of: text).first).expectsContinue == expects)
    }

    @Test("gives bodies without their framing, and then the end")
    func givesBodies() throws {
        let text = Self.get("Transfer-Encoding: chunked\r\n") + "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"
        let events = try #require(ParserDriver.events(of: text))
        #expect(events.dropFirst() == [.body(Array("abcde".utf8)), .end])
    }

    @Test(
        "holds each limit to the byte",
        arguments: [
            // Head: the request line has 17 bytes, Host 9, the last CRLF 2: 72 of 100 are left.
            (get("X: \(String(repeating: "a", count: 67))\r\n"), nil),
            (get("X: \(String(repeating: "a", count: 68))\r\n"), "431 head-too-large"),
            (get(target: "/123456789"), nil),
            (get(target: "/1234567890"), "414 target-too-long"),
            (get("A: 1\r\nB: 2\r\n"), nil),
            (get("A: 1\r\nB: 2\r\nC: 3\r\n"), "431 too-many-fields"),
            (get("Transfer-Encoding: chunked\r\n") + "1;45678\r\nx\r\n0\r\n\r\n", "400 chunk-line-too-long"),
            (get("Transfer-Encoding: chunked\r\n") + "1;4567\r\nx\r\n0\r\n\r\n", nil),
            (get("Transfer-Encoding: chunked\r\n") + "0\r\nT: 4567\r\n\r\n", "431 trailer-line-too-long"),
            (get("Transfer-Encoding: chunked\r\n") + "0\r\nT: 456\r\n\r\n", nil),
            (get("Transfer-Encoding: chunked\r\n") + "0\r\nT:\r\nT:\r\nT:\r\nT:\r\n\r\n", "431 too-many-fields"),
        ])
    func holdsLimits(_ text: String, _ refusal: String?) {
        let limits = ce_request_parser_limits(head_bytes: 100, target_bytes: 10, fields: 3, chunk_line_bytes: 8)
        #expect(ParserDriver.refusal(of: text, limits: limits) == refusal)
    }

    @Test(
        "refuses an endless line as soon as it is too long, whatever is in it",
        arguments: [
            ("GET /", "414 target-too-long"), ("", "501 method-too-long"),
            ("GET / HTTP/1.1\r\nX: ", "431 head-too-large"),
        ])
    func refusesEndless(_ start: String, _ refusal: String) {
        #expect(ParserDriver.refusal(of: start + String(repeating: "a", count: 65_536)) == refusal)
        #expect(ParserDriver.refusal(of: start + String(repeating: "a", count: 16)) == nil)
    }

    @Test("consumes nothing once it has refused, and says why each time it is asked")
    func staysRefused() {
        let driver = ParserDriver()
        #expect(driver.feed(Array("GET /\r\n".utf8)[...]))
        let again = Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        var consumed = 1
        let event = unsafe ce_request_parser_feed(driver.gate, again, again.count, &consumed)
        #expect(event == CE_PARSER_REFUSED && consumed == 0)
        let refusal = unsafe ce_request_parser_refusal(driver.gate)
        #expect(unsafe refusal.status == 400)
        #expect(unsafe !String(cString: refusal.reason).isEmpty)
    }

    @Test("is idle between requests only, and can give its memory back there")
    func isIdle() {
        let driver = ParserDriver()
        #expect(driver.isIdle)
        let request = Array(Self.get("Content-Length: 2\r\n").utf8) + Array("hi".utf8)
        for round in 1...3 {
            for byte in request.indices {
                #expect(driver.feed(request[byte...byte]))
                #expect(driver.isIdle == (byte == request.endIndex - 1))
                driver.trim()
            }
            #expect(driver.events.count == 3 * round)
        }
        #expect(driver.feed([13, 10]))
        #expect(driver.isIdle, "the empty line that may come between two requests begins none")
    }

    @Test("accepts no bytes at all, and then wants more")
    func acceptsNothing() {
        let driver = ParserDriver()
        var consumed = 1
        #expect(unsafe ce_request_parser_feed(driver.gate, nil, 0, &consumed) == CE_PARSER_MORE)
        #expect(consumed == 0)
    }
}
