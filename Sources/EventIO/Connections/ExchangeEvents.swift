import CEvent

private nonisolated(unsafe) let received = unsafe EventLoop.entry {
    (exchange: Exchange, bytes: UnsafeBufferPointer<UInt8>) in
    unsafe exchange.received(bytes)
}
private nonisolated(unsafe) let receivedAll = EventLoop.entry { (exchange: Exchange, _: Void) in exchange.receivedAll()
}
private nonisolated(unsafe) let ended = EventLoop.entry { (exchange: Exchange, whole: Bool) in
    exchange.ended(whole: whole)
}

/// The functions that C calls: each takes the object and calls a method. C keeps their address, so this lives as long as the process.
nonisolated(unsafe) let exchangeEvents = {
    let events = UnsafeMutablePointer<ce_exchange_events>.allocate(capacity: 1)
    unsafe events.initialize(
        to: ce_exchange_events(
            body: { context, bytes, count in
                unsafe received(unretained(context), UnsafeBufferPointer(start: bytes, count: count))
            },
            body_end: { context in
                unsafe receivedAll(unretained(context), ())
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
                unsafe ended(retained(context), whole)
            }))
    return unsafe events
}()

extension Exchange {
    func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        bodyBytes += bytes.count
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
        // A client that has the last byte may leave before this is noticed: `finish` is about to be called.
        guard !wasTaken else { return }
        ownedBy?.clientLeft(self)
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
        budget.giveBack(heldBytes + (collector?.heldBytes ?? 0))
        collector = nil
        let owner = ownedBy
        (ownedBy, writableHandler, sink) = (nil, nil, nil)
        owner?.ended(self, whole: whole)
    }
}
