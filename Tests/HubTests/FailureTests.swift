@testable import HTTP
@testable import Hub
import Testing

@Suite struct FailureTests {
    @Test(arguments: [
        Failure.badRequest("x"), .notFound("page"), .noToken("x"), .clientGone, .hubUnreachable("x"),
        .hubTooSlow("x"), .hubBroken("x"), .hubAnswered(HubRefusal(status: .notFound, message: "x")), .tooBusy("x"),
        .internalError("x"),
    ])
    func `a failure says something`(failure: Failure) {
        #expect(!failure.detail.isEmpty)
        #expect("\(failure)" == failure.detail)
    }

    @Test func `the makers' sentences say what is wrong and what to do`() {
        #expect(
            Failure.badField("private", "must be true or false, was a number").detail
                == "The field \"private\" must be true or false, was a number.")
        #expect(Failure.tooBusy("connections to the Hub", retryAfter: 3).retryAfter == 3)
    }

    @Test func `a call's failure names its server, and what to do about a write that may have been carried out`() {
        let failure = Failure.hubTooSlow("no answer within the time limit")
        #expect(failure.detail == "The Hub is too slow: no answer within the time limit. Try again later.")
        #expect(failure.at(.inferenceRouter).detail.hasPrefix("The inference router is too slow: "))
        #expect(
            failure.at(.store).advised(for: .post).detail
                == "The store of the Hub's files is too slow: no answer within the time limit. "
                + "Check whether it was carried out before you send it again.")
        #expect(failure.advised(for: .get) == failure)
        // Nothing has been sent where there was no connection.
        let unreachable = Failure.hubUnreachable("the name was not found")
        #expect(unreachable.advised(for: .post) == unreachable)
        #expect(Failure.badRequest("The Hub is no name.").at(.store).detail == "The Hub is no name.")
    }
}
