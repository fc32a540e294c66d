internal import Hub

/// A running gateway: its listener, its pool of upstream connections, and the gateway between them.
@EventLoop
final class Server {
    /// Where the Hub is, and whose certificate it must show.
    struct Origin: Sendable {
        let base: String
        let trust: TransferPool.Trust
        let token: Secret?
    }

    let port: UInt16
    let gateway: Gateway
    let listener: Listener
    let pool: TransferPool
    private let base: String

    /// Starts serving. Throws when the certificate is not good or the address not to be had.
    init(_ settings: Settings, origin: Origin, log: AccessLog) throws(CError) {
        let tls = try TLSContext(certificate: settings.tlsCertificate, key: settings.tlsKey)
        let pool = try TransferPool(
            trust: origin.trust, dnsServer: settings.nameServer?.description, connections: settings.upstreamConnections)
        let upstream = Upstream(settings, base: origin.base, token: origin.token, pool: pool)
        let gateway = Gateway(settings: settings, upstream: upstream, log: log)
        self.pool = pool
        self.gateway = gateway
        base = origin.base
        do throws(CError) {
            listener = try Listener(tls: tls, limits: Listener.Limits(settings)) { gateway.serve($0) }
        } catch {
            pool.close()
            throw error
        }
        do throws(CError) {
            port = try listener.listen(settings.listen.address?.text ?? "", port: settings.listen.port)
        } catch {
            listener.close()
            pool.close()
            throw error
        }
    }

    /// Serves on with other settings, as far as they are reloadable. `tls` is for new connections.
    func use(_ settings: Settings, token: Secret?, tls: TLSContext) {
        listener.use(tls)
        listener.use(Listener.Limits(settings))
        gateway.use(settings, upstream: Upstream(settings, base: base, token: token, pool: pool))
    }

    /// Closes everything at once. No call to the Hub may be under way.
    func close() {
        listener.close()
        pool.close()
    }

    var connectionCount: Int { listener.connectionCount }
}

extension Listener.Limits {
    init(_ settings: Settings) {
        self.init(
            headBytes: UInt32(clamping: settings.headLimit.bytes),
            targetBytes: UInt32(clamping: settings.targetLimit.bytes),
            fields: UInt32(clamping: settings.fieldLimit),
            connections: UInt32(clamping: DescriptorLimit.clients(settings, of: DescriptorLimit.current)),
            connectionsPerAddress: UInt32(clamping: settings.maxConnectionsPerAddress),
            requests: UInt32(clamping: settings.maxRequestsPerConnection),
            bufferedBytes: settings.bufferedLimit.bytes, handshake: settings.handshakeTimeout.milliseconds,
            head: settings.headTimeout.milliseconds,
            bodyStall: settings.bodyTimeout.milliseconds, writeStall: settings.writeTimeout.milliseconds,
            idle: settings.idleTimeout.milliseconds)
    }
}
