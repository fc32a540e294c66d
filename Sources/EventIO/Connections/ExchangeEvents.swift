import CEvent

/// What C calls: each takes the object and calls a method. It lives as long as the process, as C keeps its address.
nonisolated(unsafe) let exchangeEvents = {
    let events = UnsafeMutablePointer<ce_exchange_events>.allocate(capacity: 1)
    unsafe events.initialize(
        to: ce_exchange_events(
            body: { context, bytes, count in
                let exchange: Exchange = unsafe unretained(context)
                nonisolated(unsafe) let received = unsafe UnsafeBufferPointer(start: bytes, count: count)
                EventLoop.assumeIsolated { unsafe exchange.received(received) }
            },
            body_end: { context in
                let exchange: Exchange = unsafe unretained(context)
                EventLoop.assumeIsolated { exchange.receivedAll() }
            },
            writable: { context in
                let exchange: Exchange = unsafe unretained(context)
                EventLoop.assumeIsolated { exchange.wrote() }
            },
            client_lost: { context, why, refusal in
                let exchange: Exchange = unsafe unretained(context)
                nonisolated(unsafe) let refusal = unsafe refusal?.pointee
                EventLoop.assumeIsolated { unsafe exchange.left(why, refusal) }
            },
            done: { context, whole in
                let exchange: Exchange = unsafe retained(context)
                EventLoop.assumeIsolated { exchange.ended(whole: whole) }
            }))
    return unsafe events
}()

extension Exchange {
    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        if unsafe sink?.take(bytes) == false, let pointer = unsafe pointer {
            unsafe ce_exchange_pause(pointer)
        }
    }

    func receivedAll() {
        sink?.end(nil)
    }

    func left(_ why: ce_client_lost, _ refusal: ce_refusal?) {
        if why == CE_CLIENT_LOST_BODY_REFUSED {
            brokenRule = unsafe Int(refusal?.number ?? 0)
            sink?.end(unsafe refusal.map { unsafe RequestError($0) } ?? .malformed("The body could not be read."))
            return
        }
        isLost = true
        wasTaken = answered != nil && !writer.hasUnsentHead && writer.isComplete && queuedBytes == 0
        sink?.end(.clientGone)
        // Who has the last byte may leave before we have noticed that it was the last: `finish` is about to be called.
        guard !wasTaken else { return }
        goneHandler?()
        goneHandler = nil
        if answered != nil {
            abort()
        }
    }

    func wrote() {
        writableHandler?()
    }

    func ended(whole: Bool) {
        let whole = whole || wasTaken
        unsafe pointer = nil
        isLost = isLost || !whole
        sink?.end(.clientGone)
        if let collector { budget.giveBack(collector.heldBytes) }
        collector = nil
        if !whole { goneHandler?() }
        doneHandler?(whole)
        (goneHandler, writableHandler, doneHandler, sink) = (nil, nil, nil, nil)
    }
}
