import Glibc

/// A paired socket for messages of bytes. Only `wait` blocks.
///
/// The parent of both processes keeps both ends: messages to a process that died wait for its successor.
package final class PacketSocket: Sendable {
    /// The longest message, in bytes.
    package static let longest = 64 * 1024

    package enum Sending: Sendable {
        case sent
        /// It does not fit at present, and nothing of it was sent.
        case full
        /// It is longer than `longest`: it can never be sent.
        case tooLong
    }

    private let socket: PairedSocket

    package var descriptor: Int32 { socket.descriptor }

    private init(_ socket: PairedSocket) {
        self.socket = socket
    }

    package static func pair() throws(CError) -> (PacketSocket, PacketSocket) {
        let (one, other) = try PairedSocket.pair()
        return (PacketSocket(one), PacketSocket(other))
    }

    package func send(_ message: [UInt8]) -> Sending {
        guard message.count <= Self.longest else { return .tooLong }
        while true {
            let sent = unsafe message.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent < 0, errno == EINTR { continue }
            return sent == message.count ? .sent : .full
        }
    }

    /// The next message; nil if none has come.
    package func receive() -> [UInt8]? {
        while true {
            var count = 0
            let message = unsafe [UInt8](unsafeUninitializedCapacity: Self.longest) { buffer, used in
                count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
                used = max(0, count)
            }
            if count < 0, errno == EINTR { continue }
            return count > 0 ? message : nil
        }
    }

    /// Waits until one of `sockets` can be read, or one of `writing` written, for at most `milliseconds`.
    package static func wait(_ sockets: [PacketSocket], writing: [Bool], milliseconds: Int) {
        var watched = zip(sockets, writing).map { socket, writes in
            pollfd(fd: socket.descriptor, events: Int16(POLLIN) | (writes ? Int16(POLLOUT) : 0), revents: 0)
        }
        _ = unsafe poll(&watched, nfds_t(watched.count), Int32(clamping: milliseconds))
    }
}
