internal import CEvent
internal import Glibc

/// A port that belongs to this process and on which its workers listen. Nobody else can have it, even while no worker lives.
final class PortHold {
    let port: UInt16
    private let descriptor: Int32

    /// Port 0 takes a free one. Throws when the address is not to be had.
    init(_ address: ListenAddress) throws(CError) {
        var error = ce_error()
        var port = address.port
        descriptor = unsafe ce_port_hold(address.host, &port, &error)
        guard descriptor >= 0 else { throw CError(error) }
        self.port = port
    }

    deinit {
        close(descriptor)
    }
}
