internal import Hub

extension Passthrough {
    /// Relays without a task: callbacks tell all that the plain way to the Hub and back has to wait for, and a task with its frames,
    /// its hops and its lock costs a tenth of a small answer. One is needed to send a body, to wait for an answer that is another's too,
    /// and to follow a redirect.
    func serveAtOnce(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Bool {
        guard !exchange.hasBody else { return false }
        switch flights?.course(of: exchange, context) ?? .alone {
        case .behind: return false
        case .alone: try begin(nil, exchange, context)
        case .leading(let flight): try begin(flight, exchange, context)
        }
        return true
    }

    private func begin(_ flight: Flight?, _ exchange: Exchange, _ context: RequestContext) throws(Failure) {
        do throws(Failure) {
            let call = try upstream.call(for: exchange, context)
            let relay = call.relay
            relay.onEnd = { outcome in ended(outcome, relay, flight, exchange, context) }
            upstream.start(call, context)
        } catch {
            end(flight, exchange, error)
            throw error
        }
    }

    private func ended(
        _ outcome: Result<Void, Failure>, _ relay: Relay, _ flight: Flight?, _ exchange: Exchange,
        _ context: RequestContext
    ) {
        do throws(Failure) {
            try relay.settle(outcome)
        } catch {
            end(flight, exchange, error)
            return exchange.fail(error, context)
        }
        guard let hop = relay.hop else { return end(flight, exchange, nil) }
        context.task = EventLoop.task {
            do throws(Failure) {
                try await upstream.follow(hop, exchange, context)
                end(flight, exchange, nil)
            } catch {
                end(flight, exchange, error)
                exchange.fail(error, context)
            }
        }
    }

    private func end(_ flight: Flight?, _ exchange: Exchange, _ failure: Failure?) {
        if let flight { flights?.end(flight, exchange, failure) }
    }
}
