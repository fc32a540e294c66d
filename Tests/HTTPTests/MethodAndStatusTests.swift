@testable import HTTP
import Testing

@Suite struct MethodAndStatusTests {
    @Test(arguments: [
        (Method.get, true), (.head, true), (.options, true), (.put, false),
        (.delete, false), (.post, false), (.patch, false),
        (Method(rawValue: "TRACE"), true), (Method(rawValue: "get"), false),
        (Method(rawValue: "BREW"), false),
    ])
    func `a method is safe as RFC 9110 says, and unknown ones are not`(method: Method, safe: Bool) {
        #expect(method.isSafe == safe)
    }

    @Test(arguments: [(100, false), (103, false), (200, true), (204, false), (206, true), (304, false), (404, true)])
    func `a status allows content unless it is 1xx, 204 or 304`(code: Int, allows: Bool) {
        #expect(Status(code).allowsContent == allows)
    }

    @Test(arguments: [(199, false), (200, true), (299, true), (300, false), (304, false), (500, false)])
    func `only 2xx is a success`(code: Int, success: Bool) {
        #expect(Status(code).isSuccess == success)
    }

    @Test(arguments: [(301, true), (304, false), (307, true), (200, false)])
    func `304 is no redirect`(code: Int, redirect: Bool) {
        #expect(Status(code).isRedirect == redirect)
    }

    @Test func `an unknown code keeps its number and has no phrase`() {
        #expect(Status(799).reason == "")
        #expect(
            "\(Status(799)) \(Status.tooManyRequests) \(Status.headerFieldsTooLarge)"
                == "799 429 Too Many Requests 431 Request Header Fields Too Large")
    }
}
