import EventIO
import Glibc
import HTTP

/// Writes lines to a descriptor without making the loop wait for the reader: bytes that the reader does not take are kept, up to a bound, and then
/// dropped and counted. A full pipe behind the log must not stop the gateway.
///
/// Workers write to one pipe together. Each write ends with a line, so that lines of at most 4096 bytes stay whole.
@EventLoop
final class LogWriter {
    private static let bound = 1 << 20
    /// A pipe takes this much at once or not at all (POSIX: PIPE_BUF).
    nonisolated private static let atomic = 4096

    private let way: NonblockingDescriptor
    private var waiting = ByteBuffer(capacity: 16 * 1024)
    private var isFlushDue = false
    private(set) var droppedLines = 0
    private lazy var again = Timer { [weak self] in self?.flush() }

    init(_ way: NonblockingDescriptor) {
        self.way = way
    }

    convenience init(descriptor: Int32) {
        self.init(NonblockingDescriptor(descriptor))
    }

    /// `line` without its line end. It is written with the others of the same turn of the loop.
    func write(_ line: borrowing ByteBuffer) {
        guard waiting.count + line.count < Self.bound else {
            droppedLines += 1
            return
        }
        waiting.append(line)
        waiting.append(UInt8(ascii: "\n"))
        if !isFlushDue {
            isFlushDue = true
            EventLoop.beforePoll { [weak self] in self?.flush() }
        }
    }

    /// Writes what waits, as far as the reader takes it now.
    func flush() {
        isFlushDue = false
        var start = 0
        while start < waiting.count {
            let written = unsafe waiting.withBytes { bytes in
                let rest = unsafe UnsafeBufferPointer(rebasing: bytes[start...])
                return unsafe way.write(UnsafeBufferPointer(rebasing: rest.prefix(Self.lengthOfWrite(rest))))
            }
            guard written > 0 else { break }
            start += written
        }
        waiting.removeFirst(start)
        if !waiting.isEmpty {
            isFlushDue = true
            again.start(milliseconds: 50)
        }
    }

    /// How much of `waiting` the next write takes: up to the last line that fits whole, or a part of one that is too long.
    nonisolated static func lengthOfWrite(_ waiting: UnsafeBufferPointer<UInt8>) -> Int {
        let most = unsafe waiting.prefix(atomic)
        return unsafe most.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? most.count
    }
}

/// How bytes get into a descriptor that other processes may write to as well, without waiting for its reader. Polling it says little:
/// another process may be faster. And O_NONBLOCK on an inherited descriptor would hold for every process that has it.
final class NonblockingDescriptor: Sendable {
    private enum Kind {
        /// A pipe, opened again, so that O_NONBLOCK holds for this process alone.
        case ownPipe
        /// Such as the journal's.
        case socket
        /// It is always ready.
        case file
        /// A terminal; or a pipe that cannot be opened again, since another user made it.
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

    /// How many of the bytes were taken; 0 or less where the reader takes none now.
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
