internal import CEvent
internal import Hub

/// What C calls: each takes the object and calls a method. It lives as long as the process, as C keeps its address.
nonisolated(unsafe) let exchangeEvents = {
    let events = UnsafeMutablePointer<ce_exchange_events>.allocate(capacity: 1)
    unsafe events.initialize(
        to: ce_exchange_events(
            body: { context, bytes, count in
                let exchange: Exchange = unsafe borrowed(context)
                nonisolated(unsafe) let received = unsafe UnsafeBufferPointer(start: bytes, count: count)
                EventLoop.assumeIsolated { unsafe exchange.received(received) }
            },
            body_end: { context in
                let exchange: Exchange = unsafe borrowed(context)
                EventLoop.assumeIsolated { exchange.receivedAll() }
            },
            writable: { context in
                let exchange: Exchange = unsafe borrowed(context)
                EventLoop.assumeIsolated { exchange.wrote() }
            },
            gone: { context, why, refusal in
                let exchange: Exchange = unsafe borrowed(context)
                nonisolated(unsafe) let refusal = unsafe refusal?.pointee
                EventLoop.assumeIsolated { unsafe exchange.left(why, refusal) }
            },
            done: { context, whole in
                let exchange: Exchange = unsafe taken(context)
                EventLoop.assumeIsolated { exchange.ended(whole: whole) }
            }))
    return unsafe events
}()
