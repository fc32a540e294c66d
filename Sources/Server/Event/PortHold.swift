internal import CEvent
internal import Glibc

/// A port that belongs to this process and on which its workers listen. Nobody else can have it, even while no worker lives.
final class PortHold {
    let port: UInt16
    private let address: ListenAddress
    private let descriptor: Int32

    /// Port 0 takes a free one. Throws when the address is not to be had.
    init(_ address: ListenAddress) throws(CError) {
        var error = ce_error()
        var port = address.port
        descriptor = unsafe ce_port_hold(address.host, &port, &error)
        guard descriptor >= 0 else { throw CError(error) }
        self.port = port
        self.address = address
    }

    /// A socket on it for a worker. All are made at the start: later this process may be another user, whom the kernel lets neither
    /// have port 443 nor share a port with root.
    func join() throws(CError) -> SharedSocket {
        var error = ce_error()
        let socket = unsafe ce_port_join(address.host, port, &error)
        guard socket >= 0 else { throw CError(error) }
        return SharedSocket(descriptor: socket)
    }

    deinit {
        close(descriptor)
    }
}

/// A worker's own socket on a port that its parent holds. Parent and worker have it both, so that a successor finds it bound.
final class SharedSocket: Sendable {
    let descriptor: Int32

    fileprivate init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// In the parent, when the worker is gone: without this its queue would go on taking clients.
    func quiet() {
        ce_port_quiet(descriptor)
    }
}
