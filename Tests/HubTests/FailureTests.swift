import Hub
import Testing

@Suite struct FailureTests {
    @Test(arguments: [
        (Failure.badRequest("x"), Failure.Fault.client), (.notFound("page"), .client), (.denied("x"), .client),
        (.noToken("x"), .gateway), (.methodNotAllowed(.put, allow: [.get]), .client),
        (.payloadTooLarge(limit: 1), .client),
        (.unsupportedMediaType(accepted: "x"), .client), (.expectationFailed("x"), .client), (.clientGone, .client),
        (.hubUnreachable("x"), .hub), (.hubTooSlow("x"), .hub), (.hubBroken("x"), .hub),
        (.hubAnswered(HubRefusal(status: .notFound, message: "x")), .client),
        (.hubAnswered(HubRefusal(status: .badGateway, message: "x")), .hub),
        (.tooBusy("x"), .gateway), (.draining(), .gateway), (.internalError("x"), .gateway),
    ])
    func `a failure is somebody's fault and says something`(failure: Failure, fault: Failure.Fault) {
        #expect(failure.fault == fault)
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
        #expect(
            Failure.denied("creating repositories in x").detail
                == "This gateway's policy does not allow you creating repositories in x; ask whoever runs it.")
        #expect(Failure.tooBusy("connections to the Hub", retryAfter: 3).retryAfter == 3)
    }
}
