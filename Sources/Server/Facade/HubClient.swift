import EventIO
import HTTP
import Hub

/// Makes typed calls to the Hub.
@EventLoop
struct HubClient {
    let upstream: Upstream

    /// Sends a call once. Throws what the Hub refuses, and why it could not be asked.
    func send<Call: HubCall>(_ call: Call, _ context: RequestContext) async throws(Failure) -> Call.Answer {
        var headers: Headers = [:]
        if let contentType = call.contentType {
            headers.set("Content-Type", contentType)
        }
        let request = Request(
            method: call.method, target: try Target(hub: call.path), headers: headers, body: try call.body ?? [])
        let answer = try await upstream.send(request, context, limit: call.limits.bytes)
        if answer.status == .unauthorized, context.principal.isLent {
            throw .tokenRefused(HubRefusal(status: answer.status, headers: answer.headers, body: answer.body))
        }
        // A deleted repository is gone, whatever its name in the trash is.
        if answer.status.isRedirect, let location = answer.headers["Location"],
            TrashName.isLedTo(by: location, at: upstream.base)
        {
            throw Failure.repositoryGone.withAdvice(for: call.method)
        }
        do throws(Failure) {
            return try call.answer(status: answer.status, headers: answer.headers, body: answer.body)
        } catch {
            throw error.withAdvice(for: call.method)
        }
    }
}

extension Failure {
    /// The Hub says what is wrong; the advice depends on the call, and these are calls for one repository.
    fileprivate func withAdvice(for method: Method) -> Failure {
        guard case .hubAnswered(let refusal) = kind else { return self }
        let advice: String? =
            switch refusal.status.code {
            case 403: "Use a token that may write there."
            case 404: "Check the owner, the name and the type, and that the token may see it."
            case 409 where method == .post: "Choose another name."
            case 429: "Wait before you try again."
            default: nil
            }
        guard let advice else { return self }
        let sentence = detail.hasSuffix(".") ? detail : detail + "."
        return Failure(kind, detail: "\(sentence) \(advice)", retryAfter: retryAfter)
    }

    /// The Hub refuses the gateway's own token: the caller cannot mend that.
    fileprivate static func tokenRefused(_ refusal: HubRefusal) -> Failure {
        let message =
            "The Hub does not take this gateway's token (\(refusal.message)). Its operator has to set a valid one."
        return .hubAnswered(
            HubRefusal(
                status: refusal.status, code: refusal.code, message: message, headers: refusal.headers))
    }
}
