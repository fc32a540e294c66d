import CEvent
import Glibc

/// A paired socket whose messages may carry an open file. Only `wait` blocks.
@safe package final class FileChannel: Sendable {
    /// The longest message, in bytes.
    package static let longest = 256

    package enum Received {
        case message([UInt8], StoredFile?)
        /// None has come.
        case none
        /// The other process is gone.
        case ended
    }

    private let socket: PairedSocket

    package var descriptor: Int32 { socket.descriptor }

    private init(_ socket: PairedSocket) {
        self.socket = socket
    }

    package static func pair() throws(CError) -> (FileChannel, FileChannel) {
        let (one, other) = try PairedSocket.pair()
        return (FileChannel(one), FileChannel(other))
    }

    /// False: it does not fit at present, or the other process has ended.
    package func send(_ message: [UInt8], with file: StoredFile? = nil) -> Bool {
        unsafe message.withUnsafeBufferPointer { bytes in
            unsafe ce_file_channel_send(descriptor, bytes.baseAddress, bytes.count, file?.descriptor ?? -1)
        }
    }

    package func receive() -> Received {
        var file: Int32 = -1
        var count: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.longest) { buffer, used in
            count = unsafe ce_file_channel_receive(descriptor, buffer.baseAddress, buffer.count, &file)
            used = max(0, Int(count))
        }
        switch count {
        case Int64(CE_FILE_LATER): return .none
        case 0: return .ended
        default: return .message(bytes, file >= 0 ? StoredFile(owning: file) : nil)
        }
    }

    /// Waits until there is something to receive, for at most so many milliseconds; nil: without a limit.
    package func wait(milliseconds: Int? = nil) {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&watched, 1, milliseconds.map { Int32(clamping: $0) } ?? -1)
    }

    /// In a child: closes all descriptors that it has from its parent, except this one and the standard ones.
    package func keepAlone() {
        ce_file_close_others(descriptor)
    }
}
