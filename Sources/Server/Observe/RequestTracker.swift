import EventIO
import HTTP
import Hub

/// The requests that this process is answering, and the last ones that have ended: for administrators, who see them and may end them.
///
/// It is on the road of every request, so it makes no text and no copy: it keeps references to what exists anyway.
@EventLoop
final class RequestTracker {
    /// A request that has ended.
    fileprivate struct Ended {
        let id: RequestID
        /// When it ended, in seconds since 1970.
        let time: Int
        let address: String
        let method: Method
        let target: Target
        let route: Route.Name?
        /// Nil: the client left before.
        let status: Int?
        let microseconds: Int
        let upstreamMicroseconds: Int?
        let bytes: Int
        let key: KeyIdentity?
        let failure: Failure?
        let isWhole: Bool
    }

    private struct Running {
        let exchange: Exchange
        let context: RequestContext
    }

    /// How many ended requests are kept, without those that only look at the gateway.
    static let most = 200

    private var running: [Running] = []
    private var kept: [Ended] = []
    /// Where the next one goes, once there are `most`.
    private var next = 0

    func began(_ exchange: Exchange, _ context: RequestContext) {
        context.place = running.count
        running.append(Running(exchange: exchange, context: context))
    }

    func ended(_ exchange: Exchange, _ context: RequestContext, whole: Bool, microseconds: Int) {
        let last = running.removeLast()
        if last.context !== context {
            running[context.place] = last
            last.context.place = context.place
        }
        guard !Self.isPolling(exchange, context) else { return }
        // Not the context: a call for other requests may still use it, and it has the Hub's token, which may be replaced.
        keep(
            Ended(
                id: context.id, time: WallClock.now.seconds, address: context.address,
                method: exchange.request.method, target: exchange.request.target, route: context.route,
                status: exchange.status?.code, microseconds: microseconds,
                upstreamMicroseconds: context.upstreamMicroseconds, bytes: exchange.sentBytes,
                key: context.principal.key, failure: context.failure, isWhole: whole))
    }

    /// Probes, and what the console asks every two seconds: they would leave no place for others.
    private static func isPolling(_ exchange: Exchange, _ context: RequestContext) -> Bool {
        guard let route = context.route else { return false }
        return route.isProbe || route.isOfAdministrators && exchange.request.method.isSafe
    }

    private func keep(_ entry: consuming Ended) {
        guard kept.count == Self.most else { return kept.append(entry) }
        kept[next] = entry
        next = next + 1 == Self.most ? 0 : next + 1
    }

    /// Ends the request with this id. False: it is not under way here.
    @discardableResult
    func cancel(_ requestID: String) -> Bool {
        guard let found = running.first(where: { $0.context.id.description == requestID }) else { return false }
        found.context.revoke()
        return true
    }
}

// MARK: as JSON

extension RequestTracker {
    /// The newest first.
    var recent: [JSON] {
        (kept[next...] + kept[..<next]).reversed().map(\.json)
    }

    /// The oldest first, at most `limit` of them.
    func underWay(_ limit: Int) -> [JSON] {
        let now = MonotonicInstant.now
        return running.sorted { $0.context.started < $1.context.started }.prefix(limit).map { entry in
            let (request, context) = (entry.exchange.request, entry.context)
            return [
                "id": .string(context.id.description), "client": .string(context.address),
                "method": .string(request.method.rawValue), "path": .string(request.target.loggable),
                "route": .string(context.route.map { "\($0)".snakeCased } ?? "none"),
                "ms": .number(milliseconds(now.microseconds(since: context.started))),
                "status": entry.exchange.status.map { .integer(Int64($0.code)) } ?? .null,
                "bytes": .integer(Int64(entry.exchange.sentBytes)),
                "key": context.principal.key.map { .string($0.name) } ?? .null,
                "agent": request.headers["User-Agent"].map { .string(String($0.prefix(200))) } ?? .null,
            ]
        }
    }

    var underWayCount: Int { running.count }
}

extension RequestTracker.Ended {
    fileprivate var json: JSON {
        [
            "id": .string(id.description), "time": .string(WallClock.iso8601(Int64(time))),
            "client": .string(address),
            "method": .string(method.rawValue), "path": .string(target.loggable),
            "route": .string(route.map { "\($0)".snakeCased } ?? "none"),
            "status": status.map { .integer(Int64($0)) } ?? .null, "ms": .number(milliseconds(microseconds)),
            "upstream_ms": upstreamMicroseconds.map { .number(milliseconds($0)) } ?? .null,
            "bytes": .integer(Int64(bytes)), "key": key.map { .string($0.name) } ?? .null,
            "error": failure.map { .string($0.code) } ?? .null,
            "detail": failure.map { .string(String($0.publicDetail.prefix(500))) } ?? .null, "whole": .bool(isWhole),
        ]
    }
}

private func milliseconds(_ microseconds: Int) -> Double { Double(microseconds) / 1000 }
