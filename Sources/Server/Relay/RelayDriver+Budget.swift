import EventIO
import HTTP
import Hub

/// The use of the Hub's budget by a relayed request (`RateBroker`). Calls to stores and to the inference router have no budget.
extension RelayDriver {
    /// A signed URL has an address of its own, and no path of the Hub's.
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

    /// The call had its part of the budget, and could not be made.
    func makesNoCall(_ failure: Failure) {
        if let budget { broker.notMade(budget) }
        fail(failure)
    }

    /// Takes up what the head says of the budget. True: the Hub has refused the call for now, and it is to be made again.
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

    /// Whether a kept response may stand in where the Hub cannot be asked: it is better now than a fresh one much later.
    private func standsIn(_ budget: BudgetUse) -> Bool {
        context.sink?.replaces(broker.refusal(budget, context)) ?? false
    }

    /// The call has ended; settles what its head did not.
    func endBudget(_ outcome: Result<Void, TransferError>) {
        guard let budget, budget.ticket != nil else { return }
        switch outcome {
        case .failure(.unreachable), .failure(.proxy), .failure(.closing): broker.notMade(budget)
        default: broker.unanswered(budget)
        }
    }
}
