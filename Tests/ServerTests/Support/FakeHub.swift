@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server

/// A Hub whose answers a test scripts, over TLS with a certificate of its own.
@EventLoop
final class FakeHub {
    nonisolated static let token = "hf_fakeTokenOfTheGateway"

    let port: UInt16
    private let listener: Listener
    let certificate: String
    private let journal = Journal()

    /// What reached it, bodies included.
    var requests: [Request] { journal.requests }
    /// Requests whose caller hung up before they were answered.
    var goneCount: Int { journal.goneCount }

    /// `answer` runs for each request, its body read, and has to answer or abort the exchange.
    init(_ answer: @escaping @EventLoop (Exchange, Request) async -> Void) throws {
        let tls = try TLSContext(selfSigned: ())
        certificate = tls.certificatePEM
        listener = try Listener(tls: tls) { [journal] exchange in
            exchange.owner = journal
            EventLoop.task {
                var request = exchange.request
                request.body =
                    (try? await exchange.wholeBody(within: BodyBounds(bytes: 16 << 20, milliseconds: 60_000))) ?? []
                journal.requests.append(request)
                await answer(exchange, request)
            }
        }
        do throws(CError) {
            port = try listener.listen("127.0.0.1", port: 0)
        } catch {
            listener.close()
            throw error
        }
    }

    /// One that answers everything alike.
    convenience init(_ response: Response) throws {
        try self.init { exchange, _ in exchange.send(response) }
    }

    var origin: HubOrigin { origin() }

    /// `trust` nil means its own certificate.
    func origin(
        host: String = "127.0.0.1", trust: TransferPool.Trust? = nil, token: String? = FakeHub.token
    ) -> HubOrigin {
        HubOrigin(
            base: "https://\(host):\(port)", trust: trust ?? .pem(certificate),
            token: token.flatMap { try? Secret(Array($0.utf8)) })
    }

    func close() {
        listener.close()
    }

    @EventLoop
    private final class Journal: ExchangeOwner {
        var requests: [Request] = []
        var goneCount = 0
        private var left: Set<ObjectIdentifier> = []

        func clientLeft(_ exchange: Exchange) {
            goneCount += 1
            left.insert(ObjectIdentifier(exchange))
        }

        func ended(_ exchange: Exchange, whole: Bool) {
            if left.remove(ObjectIdentifier(exchange)) == nil, !whole { goneCount += 1 }
        }
    }
}

extension TransferPool.Trust {
    /// The certificates of several fake Hubs.
    @EventLoop static func all(of hubs: [FakeHub]) -> TransferPool.Trust { .pem(hubs.map(\.certificate).joined()) }
}

extension Response {
    /// The account that fake Hubs tell of.
    static let whoAmI = Response(
        .ok, headers: ["Content-Type": "application/json; charset=utf-8", "X-Request-Id": "Root=fake"],
        body: Array(#"{"name":"fake","type":"user"}"#.utf8))
}

extension Exchange {
    /// Text as content that follows `start`.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBufferPointer { unsafe write($0) }
    }
}
