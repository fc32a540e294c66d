import EventIO
import HTTP
import Hub

/// What a relayed request has to do with the Hub's budget (`RateBroker`). Calls to stores and to the inference router have none.
extension RelayDriver {
    /// What is signed has an address of its own, and no path of the Hub's.
    private var isCounted: Bool { call.server == .hub && !call.target.isEmpty }

    /// Whether the call may go at once. Else it goes later by itself, or fails.
    func askBudget() -> Bool {
        guard isCounted else { return true }
        if budget == nil {
            budget = broker.use(
                call.credential, call.request.target, call.request.method, holder, isBackground: isBackground)
        }
        guard let budget else { return true }
        switch broker.ask(budget, holder) {
        case .goes: return true
        case .refused(let failure): fail(failure)
        case .waits: wait(budget)
        }
        return false
    }

    private func wait(_ budget: BudgetUse) {
        if broker.isSpent(budget), standsIn(budget) { return fail(broker.refusal(budget, context)) }
        broker.wait(budget, holder) { [self] failure in
            if let failure { return fail(failure) }
            guard !isAbandoned else { return makesNoCall(.clientGone) }
            enterPlace()
        }
    }

    /// It had its part of the budget, and could not be made.
    func makesNoCall(_ failure: Failure) {
        if let budget { broker.notMade(budget) }
        fail(failure)
    }

    /// Takes up what the head says. True: it is a refusal that is waited out, and the call is to be made anew.
    func asksAgain(_ head: Transfer.Head) -> Bool {
        guard isCounted, budget != nil || head.status == .tooManyRequests || head.headers.contains("RateLimit") else {
            return false
        }
        let answered = RateBroker.Answered(
            credential: call.credential, target: call.request.target, method: call.request.method,
            hasBody: call.sendsBody || call.body != nil || !call.request.body.isEmpty)
        guard broker.answered(&budget, answered, head.status, head.headers, context) else { return false }
        return budget.map { !standsIn($0) } ?? true
    }

    /// Whether there is something kept that is given out where the Hub cannot be asked: better now than what is fresh in a while.
    private func standsIn(_ budget: BudgetUse) -> Bool {
        context.sink?.replaces(broker.refusal(budget, context)) ?? false
    }

    /// The call has ended; what its head did not settle is settled.
    func endBudget(_ outcome: Result<Void, TransferError>) {
        guard let budget, budget.ticket != nil else { return }
        switch outcome {
        case .failure(.unreachable), .failure(.proxy), .failure(.closing): broker.notMade(budget)
        default: broker.unanswered(budget)
        }
    }
}
