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
        try await lead(key, exchange, call)
    }

    private func lead(
        _ key: CallKey, _ exchange: Exchange, _ call: @EventLoop () async throws(Failure) -> Void
    ) async throws(Failure) {
        let flight = Flight()
        underWay[key] = flight
        exchange.copy = AnswerCopy { [self] _, headers in
            // Who asks from here on asks anew, unless there are copies to be made anyway.
            guard flight.hasPassengers else {
                close(key, flight, .unshared)
                return false
            }
            return !headers.isEventStream
        } ends: { [self] answer in
            close(key, flight, answer.map { .answered($0) } ?? .unshared)
        }
        defer { exchange.copy = nil }
        do throws(Failure) {
            try await call()
        } catch {
            close(key, flight, exchange.isGone || error.kind == .clientGone ? .abandoned : .failed(error))
            throw error
        }
        close(key, flight, exchange.isGone ? .abandoned : .unshared)
    }

    private func close(_ key: CallKey, _ flight: Flight, _ landing: Flight.Landing) {
        if underWay[key] === flight { underWay[key] = nil }
        flight.land(landing)
    }
}

extension Headers {
    fileprivate var isEventStream: Bool { self["Content-Type"]?.hasPrefix("text/event-stream") ?? false }
}
