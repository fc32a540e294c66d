import Glibc

/// One end of a pair of sockets between two processes of this program, closed when it is released. A message arrives whole or not at all
/// (SOCK_SEQPACKET), and neither sending nor receiving blocks.
final class PairedSocket: Sendable {
    let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    static func pair() throws(CError) -> (PairedSocket, PairedSocket) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw CError("cannot make a pair of sockets", errno: errno)
        }
        return (PairedSocket(ends[0]), PairedSocket(ends[1]))
    }
}
