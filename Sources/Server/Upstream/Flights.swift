internal import Hub

/// Makes one call to the Hub of identical ones that are made at the same moment: a thousand jobs that start together ask for the same
/// revision a thousand times. Nothing is kept once it is answered.
@EventLoop
final class Flights {
    /// After so many leaders who left, whoever still waits makes a call of their own.
    private static let mostLosses = 2

    private let access: Access
    private var underWay: [CallKey: Flight] = [:]

    init(access: Access) {
        self.access = access
    }

    /// Answers `exchange` by `call`, or with what another is answered who asks the same now.
    func serve(
        _ exchange: Exchange, _ context: RequestContext, by call: @EventLoop () async throws(Failure) -> Void
    ) async throws(Failure) {
        var request = exchange.request
        request.target = context.target
        guard let key = CallKey(request, hasBody: exchange.hasBody, access: access) else {
            return try await call()
        }
        var losses = 0
        while let flight = underWay[key] {
            switch try await flight.landed(context) {
            case .answered(let answer):
                context.isShared = true
                context.hubRequestID = answer.headers["X-Request-Id"]
                return exchange.send(answer, id: .beside(context.id))
            case .failed(let failure): throw failure
            case .unshared: return try await call()
            case .abandoned:
                losses += 1
                // Else clients that ask and leave, over and over, could hold up others for as long as they like.
                if losses == Self.mostLosses { return try await call() }
            }
        }
        let flight = lead(key, exchange)
        do throws(Failure) {
            try await call()
        } catch {
            end(flight, exchange, error)
            throw error
        }
        end(flight, exchange)
    }

    /// How a request is answered.
    enum Course {
        /// By a call of its own.
        case alone
        /// By a call that others may share: `end` has to be told of its end.
        case leading(Flight)
        /// With what another is answered: `serve` waits for that.
        case behind
    }

    /// Decides about a request for which nothing has been done yet.
    func course(of exchange: Exchange, _ context: RequestContext) -> Course {
        let key = CallKey(exchange.request, to: context.target, hasBody: exchange.hasBody, access: access)
        guard let key else { return .alone }
        return underWay[key] == nil ? .leading(lead(key, exchange)) : .behind
    }

    private func lead(_ key: CallKey, _ exchange: Exchange) -> Flight {
        let flight = Flight(key)
        underWay[key] = flight
        exchange.copy = AnswerCopy { [self] _, headers in
            // Who asks from here on asks anew, unless there are copies to be made anyway.
            guard flight.hasPassengers else {
                close(flight, .unshared)
                return false
            }
            return !headers.isEventStream
        } ends: { [self] answer in
            close(flight, answer.map { .answered($0) } ?? .unshared)
        }
        return flight
    }

    /// The call of `flight` has ended. Without an answer to share, and without a `failure`, each makes a call of their own.
    func end(_ flight: Flight, _ exchange: Exchange, _ failure: Failure? = nil) {
        exchange.copy = nil
        if exchange.isGone || failure?.kind == .clientGone {
            close(flight, .abandoned)
        } else {
            close(flight, failure.map { .failed($0) } ?? .unshared)
        }
    }

    /// Only the first landing counts, and it takes the flight out of those under way.
    private func close(_ flight: Flight, _ landing: Flight.Landing) {
        guard !flight.hasLanded else { return }
        underWay[flight.key] = nil
        flight.land(landing)
    }
}

extension Headers {
    fileprivate var isEventStream: Bool { self["Content-Type"]?.hasPrefix("text/event-stream") ?? false }
}
