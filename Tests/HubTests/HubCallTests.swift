@testable import HTTP
@testable import Hub
import Testing

@Suite struct HubCallTests {
    @Test(arguments: [
        ("{\"error\":\"gone\"}", "gone"), ("{\"error\":[\"a\",\"b\"]}", "a b"),
        ("{\"errors\":[{\"message\":\"a\"},{\"message\":\"b\",\"x\":1}]}", "a b"),
        ("{\"error_description\":\"d\"}", "d"),
        ("{\"error\":\"e\",\"error_description\":\"d\"}", "e d"), ("{\"error\":{\"message\":\"m\"}}", "m"),
        ("{\"message\":\"m\"}", "m"), ("\"text\"", "text"), ("plain text\n", "plain text"),
        ("", "The Hub answered 404 Not Found."), (" \n", "The Hub answered 404 Not Found."),
        ("<html>no</html>", "The Hub answered 404 Not Found."), ("{}", "The Hub answered 404 Not Found."),
        ("{\"error\":7}", "The Hub answered 404 Not Found."), ("[]", "The Hub answered 404 Not Found."),
        ("a\r\nSet-Cookie: b\u{2028}c\u{85}d", "a  Set-Cookie: b c d"),
    ])
    func `a refusal's message is found in every form of body`(body: String, message: String) {
        let refusal = HubRefusal(status: .notFound, headers: [:], body: Array(body.utf8))
        #expect(refusal.message == message)
    }

    @Test func `the message's field goes before the body, and an empty one does not count`() {
        let body = Array("{\"error\":\"body\"}".utf8)
        #expect(HubRefusal(status: .notFound, headers: ["x-error-message": "field"], body: body).message == "field")
        #expect(HubRefusal(status: .notFound, headers: ["x-error-message": ""], body: body).message == "body")
    }

    @Test func `HTML told by its media type is no message`() {
        let refusal = HubRefusal(
            status: .badGateway, headers: ["Content-Type": "text/HTML; charset=utf-8"], body: Array("Oops".utf8))
        #expect(refusal.message == "The Hub answered 502 Bad Gateway.")
    }

    /// By part and count, as each argument is printed.
    @Test(arguments: [([0xC3], 100_000), ([0xFF, 0, 1], 1), ([0x61], 100_000)] as [([UInt8], Int)])
    func `a message has bounded length whatever the body is`(part: [UInt8], count: Int) {
        let body = Array(repeatElement(part, count: count).joined())
        let message = HubRefusal(status: .notFound, headers: [:], body: body).message
        #expect(!message.isEmpty && message.unicodeScalars.count <= 500)
        #expect(message.utf8.allSatisfy { $0 >= 0x20 })
    }

    @Test func `a refusal keeps what tells the caller when to try again, and nothing else`() {
        let refusal = HubRefusal(
            status: .tooManyRequests,
            headers: [
                "ratelimit": "\"api\";r=0;t=55", "RateLimit-Policy": "p", "Retry-After": "55", "Set-Cookie": "secret",
                "X-HF-Warning": "a", "X-Hf-Warning": "b", "X-Error-Code": "Slow", "X-Amzn-Trace-Id": "trace",
                "X-Request-Id": "request",
            ], body: [])
        #expect(refusal.code == "Slow")
        #expect(
            refusal.headers == [
                "Retry-After": "55", "RateLimit": "\"api\";r=0;t=55", "RateLimit-Policy": "p", "X-HF-Warning": "a",
                "X-HF-Warning": "b",
            ])
        #expect(Failure.hubAnswered(refusal).retryAfter == 55)
    }

    @Test(arguments: ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "", "1.5", "99999999999999999999"])
    func `a Retry-After that is no number of seconds is kept, but not understood`(value: String) {
        let refusal = HubRefusal(status: .tooManyRequests, headers: ["Retry-After": value], body: [])
        #expect(refusal.headers["Retry-After"] == value)
        #expect(Failure.hubAnswered(refusal).retryAfter == nil)
    }

    @Test(arguments: [100, 301, 307, 304, 401, 403, 404, 409, 429, 500, 503])
    func `every status but 2xx is the Hub's response, whatever the body says`(code: Int) {
        let thrown = failure { () throws(Failure) in
            _ = try WhoAmI().answer(status: Status(code), headers: [:], body: Array("{\"name\":\"me\"}".utf8))
        }
        guard case .hubAnswered(let refusal)? = thrown?.kind else { return #expect(Bool(false), "\(code)") }
        #expect(refusal.status.code == code)
    }
}
