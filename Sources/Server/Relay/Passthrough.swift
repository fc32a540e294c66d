import EventIO
import Hub

/// Any request that is no endpoint of our own: to the Hub and back, bodies streamed both ways.
struct Passthrough: Handler {
    let upstream: Upstream
    /// Nil where each request is a call of its own.
    let coalescer: RequestCoalescer?

    func serve(_ exchange: Exchange, _ context: RequestContext) async throws(Failure) {
        guard let coalescer else { return try await upstream.relay(exchange, context) }
        try await coalescer.serve(exchange, context) { () async throws(Failure) in
            try await upstream.relay(exchange, context)
        }
    }
}

extension Passthrough {
    /// Relays without a task: callbacks tell all that the plain way to the Hub and back has to wait for, and a task with its frames,
    /// its hops and its lock costs a tenth of a small response. One is needed to send a body, to wait for a response that is another's too,
    /// and to follow a redirect.
    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool {
        guard !exchange.hasBody else { return false }
        switch coalescer?.role(of: exchange, context) ?? .alone {
        case .behind: return false
        case .alone: try begin(nil, exchange, context)
        case .leading(let inFlight): try begin(inFlight, exchange, context)
        }
        return true
    }

    private func begin(_ inFlight: InFlightCall?, _ exchange: Exchange, _ context: RequestContext) throws(Failure) {
        do throws(Failure) {
            let call = try upstream.call(for: exchange, context)
            let relay = call.relay
            relay.onEnd = { outcome in ended(outcome, relay, inFlight, exchange, context) }
            upstream.start(call, context)
        } catch {
            end(inFlight, exchange, error)
            throw error
        }
    }

    private func ended(
        _ outcome: Result<Void, Failure>, _ relay: Relay, _ inFlight: InFlightCall?, _ exchange: Exchange,
        _ context: RequestContext
    ) {
        do throws(Failure) {
            try relay.settle(outcome)
        } catch {
            end(inFlight, exchange, error)
            return exchange.fail(error, context)
        }
        guard let hop = relay.hop else { return end(inFlight, exchange, nil) }
        context.task = EventLoop.task {
            do throws(Failure) {
                try await upstream.follow(hop, exchange, context)
                end(inFlight, exchange, nil)
            } catch {
                end(inFlight, exchange, error)
                exchange.fail(error, context)
            }
        }
    }

    private func end(_ inFlight: InFlightCall?, _ exchange: Exchange, _ failure: Failure?) {
        if let inFlight { coalescer?.end(inFlight, exchange, failure) }
    }
}
