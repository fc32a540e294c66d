import CEvent
import HTTP

extension TransferPool {
    /// An HTTP proxy that calls go through, each by a tunnel (RFC 9110 section 9.3.6).
    package struct Proxy: Sendable {
        /// Whether a server is called through it: a host, IPv6 without brackets, its port, and whether by TLS.
        package typealias Rule = @Sendable (_ host: String, _ port: UInt16, _ isTLS: Bool) -> Bool

        /// A name, or an address; IPv6 without brackets.
        let host: String
        let port: UInt16
        let authorization: Authorization?
        let serves: Rule

        package init(host: String, port: UInt16, authorization: Authorization?, serves: @escaping Rule) {
            self.host = host
            self.port = port
            self.authorization = authorization
            self.serves = serves
        }
    }
}

/// C calls it for each new origin: a pool keeps it for as long as C may.
final class ProxyRule: Sendable {
    private let serves: TransferPool.Proxy.Rule

    init(_ serves: @escaping TransferPool.Proxy.Rule) {
        self.serves = serves
    }

    /// Passes a proxy in C's form, with `self` as its context.
    func lend(_ proxy: TransferPool.Proxy, to body: (UnsafePointer<ce_proxy_options>) -> Void) {
        var authorization = ByteBuffer(capacity: 256)
        if let credential = proxy.authorization {
            authorization.append(credential)
            authorization.append(0)
        }
        unsafe proxy.host.withCString { host in
            unsafe authorization.withBytes { text in
                var options = unsafe ce_proxy_options(
                    host: host, port: proxy.port,
                    authorization: text.isEmpty
                        ? nil : UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    serves: { context, host, port, isTLS in
                        guard let host = unsafe host else { return false }
                        let rule: ProxyRule = unsafe unretained(context)
                        return rule.serves(unsafe String(cString: host), port, isTLS)
                    },
                    context: Unmanaged.passUnretained(self).toOpaque())
                unsafe body(&options)
            }
        }
        authorization.erase()
    }
}
