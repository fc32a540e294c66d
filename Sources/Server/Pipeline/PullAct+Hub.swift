import EventIO
import HTTP
import Hub

extension PullAct {
    /// Asks, and asks again where the Hub cannot answer now. Throws its refusal.
    func ask(_ method: Method, _ path: String, limit: Int) async throws(Failure) -> Upstream.Answer {
        let request = Request(method: method, target: try Target(hub: path))
        var attempt = 0
        while true {
            if isEnding() { throw .clientGone }
            let failure: Failure
            let context = RequestContext(id: .next(), address: "")
            context.principal = principal
            do throws(Failure) {
                let answer = try await hub.send(request, context, limit: limit, isBackground: true)
                if answer.status.code < 400, !(path.hasPrefix("/api/") && answer.status.isRedirect) { return answer }
                if answer.status.isRedirect {
                    throw Failure(.notFound, detail: "\(order.repo.text) has another name now; pull it by that.")
                }
                failure = .hubAnswered(HubRefusal(status: answer.status, headers: answer.headers, body: answer.body))
            } catch {
                failure = error
            }
            attempt += failure.isOfBudget ? 0 : 1
            guard failure.mayPass, attempt < Self.mostAttempts else { throw failure }
            // A little into the next window of the Hub's rate limit: as it begins nobody knows yet whether it has.
            let seconds =
                failure.isOfBudget
                ? min(3600, failure.retryAfter ?? 60) + 2
                : min(60, max(failure.retryAfter ?? 0, 1 << max(0, attempt - 1)))
            try await pause(seconds, because: failure)
        }
    }

    func pause(_ seconds: Int, because failure: Failure) async throws(Failure) {
        order.reason = failure.detail
        note(order)
        for _ in 0..<max(1, seconds * 10) {
            if isEnding() { throw .clientGone }
            await EventLoop.sleep(milliseconds: 100)
        }
        order.reason = ""
    }
}

extension Failure {
    /// Whether it is the rate limit that is used up.
    fileprivate var isOfBudget: Bool {
        switch kind {
        case .budgetSpent: true
        case .hubAnswered(let refusal): refusal.status == .tooManyRequests
        default: false
        }
    }

    /// Whether the same may be answered a while later.
    fileprivate var mayPass: Bool {
        switch kind {
        case .budgetSpent, .hubUnreachable, .hubTooSlow, .hubBroken, .tooBusy: true
        case .hubAnswered(let refusal): refusal.status.code >= 500 || refusal.status == .tooManyRequests
        default: false
        }
    }

    func about(_ path: String) -> Failure {
        Failure(kind, detail: "\(path.shown): \(detail)", retryAfter: retryAfter)
    }
}
