import EventIO
import HTTP
import Hub

/// The limits of keys: a request's cost is taken from them before it goes on.
extension RequestPipeline {
    /// Notes the key that the request counts for, and takes from its limits what is known before the body comes.
    func takeLimits(
        _ exchange: Exchange, _ context: RequestContext, _ judgement: ScopeJudgement?, _ route: Route.Name
    ) throws(Failure) {
        guard let key = context.principal.key, route.needsKey else { return }
        context.operation = judgement?.operation
        guard key.grant.limits != nil, let quotas = state.quotas else { return }
        let asksModel = context.operation.map { $0.action == .infer && !$0.isSafe } ?? false
        do throws(Failure) {
            context.allowance = try quotas.admit(
                key, body: exchange.hasBody ? exchange.declaredLength : 0, asksModel: asksModel, isCounted: true)
        } catch {
            auditRefusal(key, exchange.request, context)
            throw error
        }
    }

    /// Whether the body has to be read to learn how long a response it allows the model.
    func needsBodyForTokens(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) -> Bool {
        guard context.allowance != nil, route == .inference, let length = exchange.declaredLength else { return false }
        return context.spender?.grant.limits?[.tokensADay] != nil && length <= UInt64(JudgedBody.longest)
    }

    /// Takes the cost of a call to a model. True: everything that was taken is debited; else the request goes on by itself when it is.
    func isDebited(
        _ exchange: Exchange, _ context: RequestContext, _ route: Route.Name
    ) throws(Failure) -> Bool {
        guard let allowance = context.allowance else { return true }
        if let operation = context.operation, operation.action == .infer, !operation.isSafe {
            try allowance.takeTokens(context.body, length: exchange.hasBody ? exchange.declaredLength : 0)
        }
        guard !allowance.isOpen else { return true }
        allowance.whenOpen { failure in
            do throws(Failure) {
                if let failure { throw failure }
                if context.isCancelled { throw .clientGone }
                try self.askNow(exchange, context, route)
            } catch {
                self.fail(exchange, context, error)
            }
        }
        return false
    }
}
