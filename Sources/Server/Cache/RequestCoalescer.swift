import EventIO
import HTTP

/// Combines identical calls to the Hub that are made at the same moment into one: a thousand jobs that start together ask for the same
/// revision a thousand times. Nothing is kept once the call has ended.
@EventLoop
final class RequestCoalescer {
    /// Otherwise each request is a call of its own.
    var isOn: Bool
    /// By the digests of their keys, which are random enough to be indices; calls at one index form a list.
    private var underWay = [InFlightCall?](repeating: nil, count: 256)
    private let epochs: WriteEpochs

    init(isOn: Bool, epochs: WriteEpochs) {
        self.isOn = isOn
        self.epochs = epochs
    }

    /// How a request is answered.
    enum Role {
        /// By a call of its own.
        case bypass
        /// By a call that others may share: the response goes to it, too.
        case lead(InFlightCall)
        /// With the response to an identical request that is under way.
        case follow(InFlightCall)
    }

    /// Decides about a request for which nothing has been done yet. `write`: the response is also to be kept.
    func join(_ exchange: Exchange, _ context: RequestContext, _ write: CacheWrite?) -> Role {
        guard isOn || write != nil, let key = key(exchange, context, write) else { return .bypass }
        if isOn, write?.isOfItsOwn != true, let call = find(key, key.digest) { return .follow(call) }
        let mark = write?.mark ?? epochs.mark(nil)
        return .lead(InFlightCall(key, of: self, for: exchange.request, write, mark: mark))
    }

    private func key(_ exchange: Exchange, _ context: RequestContext, _ write: CacheWrite?) -> CallKey? {
        if let write { return .kept(write.key) }
        let key = CoalescingKey(
            exchange.request, to: context.target, hasBody: exchange.hasBody, in: context.principal.partition,
            forwarded: context.forwardedOrigin)
        // Not by `map`: at each closure of the loop's the runtime is asked whether this is the loop.
        if let key { return .same(key) }
        return nil
    }

    /// From now on other requests may wait for the call. Not earlier: while it waits for its turn at the Hub they would depend on the share of
    /// another key.
    func begins(_ call: InFlightCall) {
        // Of two calls for the same the newer is found.
        guard isOn, !call.isShared, call.isNewest || find(call.key, call.digest) == nil else { return }
        call.next = underWay[place(call.digest)]
        call.isShared = true
        underWay[place(call.digest)] = call
    }

    func ended(_ call: InFlightCall) {
        guard call.isShared else { return }
        call.isShared = false
        let place = place(call.digest)
        guard underWay[place] !== call else {
            underWay[place] = call.next.take()
            return
        }
        var before = underWay[place]
        while let other = before, other.next !== call { before = other.next }
        before?.next = call.next.take()
    }

    /// The call under way for this key that began after every change known here: so a client that has changed something reads its change.
    private func find(_ key: @autoclosure () -> CallKey, _ digest: Int) -> InFlightCall? {
        var call = underWay[place(digest)]
        while let other = call {
            if other.digest == digest, other.key == key(), epochs.isCurrent(other.mark) { return other }
            call = other.next
        }
        return nil
    }

    private func place(_ digest: Int) -> Int { digest & (underWay.count - 1) }
}

/// Which requests one call is made for.
enum CallKey: Equatable, Sendable {
    /// Requests that are the same but for fields that name a single request.
    case same(CoalescingKey)
    /// Requests that one kept response would answer.
    case kept(CacheKey)

    /// Random enough to be an index into a table.
    var digest: Int {
        switch self {
        case .same(let key): key.digest
        case .kept(let key): key.digest
        }
    }
}
