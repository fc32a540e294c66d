import EventIO
import Glibc
import HTTP
import Hub
import Sandbox

/// Serves the sandbox over TLS on free ports of the loopback address: its Hub, its CDN and its CAS, as three
/// origins.
///
/// Its certificate is made at the start and is its own authority. A client in another process that wants to talk to it
/// directly takes the certificate from the handshake and trusts it: on the loopback interface no other process has the port.
@EventLoop
final class SandboxServer {
    let site: SandboxSite
    private let listeners: [Listener]
    private let state: SandboxState

    var origin: HubOrigin { site.origin }

    /// With the journal of the requests that reached it.
    var sandbox: Sandbox { state.sandbox }

    /// `limits`: nil for none.
    init(_ limits: SandboxLimits? = nil) throws(CError) {
        let tls = try TLSContext(selfSigned: ())
        let state = SandboxState()
        self.state = state
        var listeners: [Listener] = []
        var ports: [UInt16] = []
        do throws(CError) {
            for place in [SandboxPlace.hub, .cdn, .cas] {
                let (listener, port) = try Self.listen(tls, as: place, for: state)
                listeners.append(listener)
                ports.append(port)
            }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        self.listeners = listeners
        let base = "https://localhost:\(ports[0])"
        // Another host name, not only another port: some clients keep their token as long as the name is the same.
        let (cdn, cas) = ("https://127.0.0.1:\(ports[1])", "https://127.0.0.1:\(ports[2])")
        // URLs that the sandbox signs expire, so this clock must not stand still.
        state.sandbox = Sandbox(
            origin: base, cdn: cdn, cas: cas, limits: limits, digest: .openSSL, now: { Int64(time(nil)) },
            milliseconds: { Int64(WallClock.microseconds / 1000) })
        site = SandboxSite(hub: base, cdn: cdn, cas: cas, authority: tls.certificatePEM)
    }

    private static func listen(
        _ tls: TLSContext, as place: SandboxPlace, for state: SandboxState
    ) throws(CError) -> (Listener, UInt16) {
        let listener = try Listener(tls: tls) { exchange in
            EventLoop.task { await state.answer(exchange, at: place) }
        }
        do throws(CError) {
            return (listener, try listener.listen("127.0.0.1", port: 0))
        } catch {
            listener.close()
            throw error
        }
    }

    func close() {
        for listener in listeners { listener.close() }
    }
}

@EventLoop
private final class SandboxState {
    var sandbox = Sandbox(origin: "", digest: .openSSL)

    /// A commit of files of 64 MiB together, in base64; or one part.
    private static let bodyBounds = BodyBounds(bytes: 96 << 20, milliseconds: 60_000)

    /// Between two events of a stream.
    private static let eventMilliseconds: UInt64 = 20

    func answer(_ exchange: Exchange, at place: SandboxPlace) async {
        do throws(Failure) {
            if let refusal = exchange.refusal { throw Failure(refusal) }
            var request = exchange.request
            request.body = try await exchange.wholeBody(within: Self.bodyBounds)
            let response = sandbox.answer(request, at: place)
            if response.headers["Content-Type"] == "text/event-stream" {
                await stream(response, on: exchange)
            } else if let count = response.headers[Sandbox.cutField].flatMap({ Int($0) }) {
                await sendPart(of: response, upTo: count, on: exchange)
            } else {
                exchange.send(response)
            }
        } catch {
            exchange.send(error.response(to: exchange.request, id: .next()))
        }
    }

    /// Sends each event when it is due, as a model does.
    private func stream(_ response: Response, on exchange: Exchange) async {
        exchange.start(response.status, headers: response.headers, length: nil)
        for event in String(decoding: response.body, as: UTF8.self).split(separator: "\n\n") where !exchange.isGone {
            unsafe Array("\(event)\n\n".utf8).withUnsafeBufferPointer { _ = unsafe exchange.write($0) }
            await EventLoop.sleep(milliseconds: Self.eventMilliseconds)
        }
        exchange.finish()
    }

    /// Announces all of the content, sends a part of it, and closes the connection.
    private func sendPart(of response: Response, upTo count: Int, on exchange: Exchange) async {
        var headers = response.headers
        headers.remove(Sandbox.cutField)
        exchange.start(response.status, headers: headers, length: response.body.count)
        exchange.flushHead()
        unsafe response.body.prefix(count).withUnsafeBufferPointer { _ = unsafe exchange.write($0) }
        // Bytes that are still queued would be lost with the connection.
        while exchange.queuedBytes > 0, !exchange.isGone { await EventLoop.sleep(milliseconds: 5) }
        exchange.abort()
    }
}
