import EventIO
import HTTP
import Hub

/// What one request may take from its key's limits. The cost is taken before it arises, and settled when the real cost is known.
///
/// What is taken is debited in the state before it is spent: until that is on the disk the allowance is closed, and no content flows.
@EventLoop
protocol RequestAllowance: AnyObject {
    var isOpen: Bool { get }
    /// Calls `then` once, later: when it is open, or with the failure if it will not be.
    func whenOpen(_ then: @escaping @EventLoop @Sendable (Failure?) -> Void)
    /// Another server is about to be called.
    func asks()
    /// A response begins, with so many bytes of content; nil: the number is not known. Throws where that is more than is left.
    func begins(content length: Int?) throws(Failure)
    /// Why the response may not have so many bytes in all; nil: it may.
    func refuses(content total: Int) -> Failure?
    /// The same for the request's body.
    func refuses(body total: Int) -> Failure?
    /// A model is about to be called, with the request's body where it is here. `length` is in bytes.
    func takeTokens(_ body: [UInt8]?, length: UInt64?) throws(Failure)
    /// The request has ended.
    func settle(_ exchange: Exchange, _ usage: ModelUsage?, isOurs: Bool)
}

extension RequestContext {
    /// Goes on with `then` once a response of `count` bytes may go out, mostly at once. Else the client gets the failure.
    func release(_ count: Int, to exchange: Exchange, _ then: @escaping @EventLoop @Sendable () -> Void) {
        guard let allowance else { return then() }
        do throws(Failure) {
            try allowance.begins(content: exchange.request.method == .head ? 0 : count)
        } catch {
            return exchange.fail(error, self)
        }
        guard !allowance.isOpen else { return then() }
        allowance.whenOpen { failure in
            do throws(Failure) {
                if let failure { throw failure }
                try self.confirmKey()
                then()
            } catch {
                exchange.fail(error, self)
            }
        }
    }

    /// At the end: returns what was not spent.
    func settle(_ exchange: Exchange) {
        allowance.take()?.settle(exchange, usageReader?.usage, isOurs: failure != nil)
    }
}
