internal import CEvent
internal import Hub

extension Request {
    /// The request that the gate let through. Of one that it refused nothing is known but why.
    static func read(
        _ passed: UnsafePointer<ce_request>?, _ refused: UnsafePointer<ce_refusal>?
    ) -> (Request, Failure?) {
        guard let passed = unsafe passed?.pointee else {
            return (
                .unknown,
                unsafe refused.map { unsafe Failure($0.pointee) } ?? .badRequest("The request could not be read.")
            )
        }
        do throws(Failure) {
            let target = try Target(unsafe passed.head.text(passed.target))
            let method = Method(rawValue: unsafe passed.head.text(passed.method))
            return (Request(method: method, target: target, headers: unsafe Headers(passed.head)), nil)
        } catch {
            return (.unknown, error)
        }
    }

    private static var unknown: Request { Request(method: Method(rawValue: "-"), target: .root) }
}

extension String {
    /// The address of the client of an exchange.
    init(peerOf exchange: OpaquePointer) {
        self = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            unsafe ce_exchange_peer(exchange, text.baseAddress)
            return unsafe text.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }
}
