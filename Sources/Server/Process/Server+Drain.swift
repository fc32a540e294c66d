import EventIO

/// How a server stops: no client that is connected, or about to be, gets an error because of it.
extension Server {
    /// The wait for a client's TCP handshake that is half done when the address closes: its last packet is on its way, over a network or in this
    /// machine.
    private static let handshakeMilliseconds: (remote: UInt64, local: UInt64) = (remote: 250, local: 10)
    private static let checkMilliseconds: UInt64 = 10

    /// Goes on accepting for `drain_delay` with readiness refused, then accepts waiting clients and no others, and lets requests finish within
    /// `drain_timeout`. Returns the number of requests that it cut off after that.
    func stop(_ settings: Settings) async -> Int {
        state.drainState.beginDrain()
        listener.announceDrain()
        admin?.announceDrain()
        await EventLoop.sleep(milliseconds: UInt64(settings.drainDelay.milliseconds))
        let began = MonotonicInstant.now
        let limit = Int(settings.drainTimeout.milliseconds) * 1000
        listener.stopAccepting()
        let isLocal = settings.listen.allSatisfy(\.isLoopback)
        let handshake = isLocal ? Self.handshakeMilliseconds.local : Self.handshakeMilliseconds.remote
        await EventLoop.sleep(milliseconds: min(handshake, UInt64(settings.drainTimeout.milliseconds)))
        await empty(listener) { MonotonicInstant.now.microseconds(since: began) < limit }
        // Last, so that an observer sees the other listeners drain.
        if let admin {
            admin.stopAccepting()
            await empty(admin) { MonotonicInstant.now.microseconds(since: began) < limit }
        }
        // Calls that go on without their clients, too.
        while state.drainState.inFlight > 0, MonotonicInstant.now.microseconds(since: began) < limit {
            await EventLoop.sleep(milliseconds: Self.checkMilliseconds)
        }
        let cut = state.drainState.inFlight
        await cutOff()
        return cut
    }

    /// Returns when no client waits in the listener's queue, and then none is connected, or `goesOn` is false.
    private func empty(_ listener: Listener, while goesOn: () -> Bool) async {
        while !listener.stopListening() || listener.connectionCount > 0, goesOn() {
            await EventLoop.sleep(milliseconds: Self.checkMilliseconds)
        }
    }

    /// Ends the connections that are left, then the calls to the Hub that were made for them.
    private func cutOff() async {
        metrics.refresh()
        metrics.sources = nil
        listener.close()
        admin?.close()
        pool.close()
        state.files?.peers.close()
        while !pool.isIdle || state.files?.peers.isIdle == false {
            await EventLoop.sleep(milliseconds: 1)
        }
        state.files?.close()
        await state.tracer?.stop()
    }
}
