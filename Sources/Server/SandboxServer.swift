internal import Hub

/// Serves the sandbox's Hub over TLS on a free port of the loopback address.
@EventLoop
final class SandboxServer {
    let origin: Server.Origin
    private let listener: Listener
    private let state: SandboxState

    /// The journal of what reached it.
    var sandbox: Sandbox { state.sandbox }

    init() throws(CError) {
        let tls = try TLSContext(selfSigned: ())
        let state = SandboxState()
        self.state = state
        listener = try Listener(tls: tls) { exchange in
            EventLoop.task { await state.answer(exchange) }
        }
        let port: UInt16
        do throws(CError) {
            port = try listener.listen("127.0.0.1", port: 0)
        } catch {
            listener.close()
            throw error
        }
        let base = "https://localhost:\(port)"
        state.sandbox = Sandbox(origin: base)
        origin = Server.Origin(
            base: base, trust: .pem(tls.certificatePEM), token: try? Secret(Array("hf_sandbox".utf8)))
    }

    func close() {
        listener.close()
    }
}

@EventLoop
private final class SandboxState {
    var sandbox = Sandbox(origin: "")

    func answer(_ exchange: Exchange) async {
        do throws(Failure) {
            if let refusal = exchange.refusal { throw refusal }
            var request = exchange.request
            request.body = try await exchange.body(within: BodyBounds(bytes: 64 << 20, milliseconds: 60_000))
            exchange.send(sandbox.answer(request))
        } catch {
            exchange.send(error.response(to: exchange.request, id: .next()))
        }
    }
}
