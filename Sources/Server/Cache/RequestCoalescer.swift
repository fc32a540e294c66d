import EventIO
import HTTP

/// Makes one call to the Hub of identical ones that are made at the same moment: a thousand jobs that start together ask for the same
/// revision a thousand times. Nothing is kept once it is answered.
@EventLoop
final class RequestCoalescer {
    /// Otherwise each request is a call of its own.
    var isOn: Bool
    /// By their keys' digests, which are random enough to be places by themselves; those of one place stand one behind the other.
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
        /// With what another is answered who asks the same now.
        case follow(InFlightCall)
    }

    /// Decides about a request for which nothing has been done yet. `write`: the response is to be kept besides.
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

    /// From now on others may wait for the call. Not before it is made: while it waits for its turn they would wait for the turn of
    /// somebody else's share.
    func begins(_ call: InFlightCall) {
        // Of two for the same the newer is found.
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

    /// One that began after every change through this gateway that it could tell of: whoever has changed something reads the change.
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

/// Which requests one call is for.
enum CallKey: Equatable, Sendable {
    /// Those that are the same but for what names a single request.
    case same(CoalescingKey)
    /// Those that one kept response would be for.
    case kept(CacheKey)

    /// Random enough to be a place in a table.
    var digest: Int {
        switch self {
        case .same(let key): key.digest
        case .kept(let key): key.digest
        }
    }
}
