internal import Glibc

/// How bytes get into a descriptor that others may write to as well, without waiting for its reader. That it is ready says little then:
/// another process may be faster. And O_NONBLOCK on what was inherited would be on for everybody who has it.
final class OutputWay: Sendable {
    private enum Kind {
        /// A pipe, opened anew, so that not waiting is this process's own affair.
        case ownPipe
        /// Such as the journal's.
        case socket
        /// It is always ready.
        case file
        /// A terminal; or a pipe that cannot be opened again, as another user made it.
        case other
    }

    private let kind: Kind
    private let descriptor: Int32

    /// `inherited` has to stay open as long as this lives.
    init(_ inherited: Int32) {
        var status = stat()
        let type = unsafe fstat(inherited, &status) == 0 ? status.st_mode & S_IFMT : 0
        let own = type == S_IFIFO ? unsafe open("/proc/self/fd/\(inherited)", O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1
        descriptor = own >= 0 ? own : inherited
        kind = own >= 0 ? .ownPipe : type == S_IFSOCK ? .socket : type == S_IFREG ? .file : .other
    }

    deinit {
        if kind == .ownPipe { close(descriptor) }
    }

    /// How many of the bytes were taken; not more than 0 when the reader does not take any now.
    func write(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        switch kind {
        case .ownPipe, .file: unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        case .socket: unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        case .other: isReady ? unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count) : 0
        }
    }

    private var isReady: Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&watched, 1, 0) == 1 && watched.revents & Int16(POLLOUT) != 0
    }
}
