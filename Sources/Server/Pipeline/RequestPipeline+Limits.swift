import EventIO
import HTTP
import Hub

/// The limits of keys: what a request may cost is taken of them before it goes on.
extension RequestPipeline {
    /// Notes whose use of the gateway it is, and takes of the limits of that key what is known before the body is.
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

    /// Whether the body has to be read for how long an answer it lets the model give.
    func needsBodyForTokens(_ exchange: Exchange, _ context: RequestContext, _ route: Route.Name) -> Bool {
        guard context.allowance != nil, route == .inference, let length = exchange.declaredLength else { return false }
        return context.spender?.grant.limits?[.tokensADay] != nil && length <= UInt64(JudgedBody.longest)
    }

    /// Takes what a model may cost. Returns whether all that was taken is debited; else the request goes on by itself when it is.
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
