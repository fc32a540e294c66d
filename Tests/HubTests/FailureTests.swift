@testable import HTTP
@testable import Hub
import Testing

@Suite struct FailureTests {
    @Test(arguments: [
        Failure.badRequest("x"), .notFound("page"), .noToken("x"), .methodNotAllowed(.put, allow: [.get]),
        .payloadTooLarge(limit: 1), .unsupportedMediaType(accepted: "x"), .clientGone, .hubUnreachable("x"),
        .hubTooSlow("x"), .hubBroken("x"), .hubAnswered(HubRefusal(status: .notFound, message: "x")), .tooBusy("x"),
        .draining(), .internalError("x"),
    ])
    func `a failure says something`(failure: Failure) {
        #expect(!failure.detail.isEmpty)
        #expect("\(failure)" == failure.detail)
    }

    @Test func `the makers' sentences say what is wrong and what to do`() {
        #expect(
            Failure.badField("private", "must be true or false, was a number").detail
                == "The field \"private\" must be true or false, was a number.")
        #expect(
            Failure.methodNotAllowed(.patch, allow: [.get, .head]).detail == "PATCH is not allowed here; use GET, HEAD."
        )
        #expect(Failure.tooBusy("connections to the Hub", retryAfter: 3).retryAfter == 3)
    }
}
