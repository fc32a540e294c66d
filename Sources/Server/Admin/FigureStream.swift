import EventIO
import HTTP
import Hub

/// GET /-/api/events: the figures each second, as server-sent events, for as long as the page is open and its administrator is one.
@EventLoop
final class FigureStream: CancellableWork {
    private let exchange: Exchange
    private let context: RequestContext
    private let services: AdminServices
    private let caller: AdminCaller
    private var timer: Timer?
    private var task: Task<Void, Never>?
    private var isOver = false

    private static let milliseconds: UInt64 = 1000
    /// Above so many unsent bytes nothing more is written, until the page has read.
    private static let mostQueued = 64 << 10

    static func begin(
        _ exchange: Exchange, _ context: RequestContext, _ services: AdminServices, _ caller: AdminCaller
    ) throws(Failure) {
        guard services.state.streams < AdminState.mostStreams else {
            throw .tooBusy("room for another page of figures", retryAfter: 10)
        }
        let stream = FigureStream(exchange, context, services, caller)
        services.state.streams += 1
        context.work = stream
        exchange.start(
            .ok,
            headers: [
                "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
                "X-Accel-Buffering": "no",
            ], id: .own(context.id), length: nil)
        guard exchange.takesContent else { return stream.end() }
        exchange.flushHead()
        stream.tell()
    }

    private init(_ exchange: Exchange, _ context: RequestContext, _ services: AdminServices, _ caller: AdminCaller) {
        (self.exchange, self.context, self.services, self.caller) = (exchange, context, services, caller)
        timer = Timer { [weak self] in self?.look() }
    }

    /// The client has left, the request was ended, or took too long.
    func cancel() {
        stop()
        EventLoop.post { [exchange] in exchange.finish() }
    }

    private func stop() {
        guard !isOver else { return }
        isOver = true
        timer?.stop()
        timer = nil
        task?.cancel()
        context.work = nil
        services.state.streams -= 1
    }

    private func end() {
        guard !isOver else { return }
        stop()
        exchange.finish()
    }

    private func look() {
        guard !isOver else { return }
        // A gateway that stops waits for no page.
        guard !services.drainState.isDraining, !exchange.isGone else { return end() }
        guard let session = caller.session else {
            guard caller.proof == nil || isAdministrator else { return end() }
            return tell()
        }
        task = EventLoop.immediateTask { [self] in
            let known = try? await services.state.caller(session: session, context)
            known == nil ? end() : tell()
        }
    }

    private var isAdministrator: Bool {
        guard let key = services.state.keys?.identity(caller.publicID) else { return false }
        return AdminActs.isAdministrator(key.grant.grant)
    }

    private func tell() {
        guard !isOver else { return }
        if exchange.queuedBytes < Self.mostQueued, let json = try? services.figures.encoded() {
            let event = Array("data: ".utf8) + json + Array("\n\n".utf8)
            _ = unsafe event.withUnsafeBufferPointer { unsafe exchange.write($0) }
        }
        guard !isOver else { return }
        timer?.start(milliseconds: Self.milliseconds)
    }
}
