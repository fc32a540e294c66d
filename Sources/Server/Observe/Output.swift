internal import Glibc

/// Writes lines to a descriptor without ever making the loop wait for the reader: what it does not take is kept, up to a bound, and then
/// dropped and counted. A full pipe behind the log must not stop the gateway.
@EventLoop
final class Output {
    private static let bound = 1 << 20
    /// A pipe that is ready takes this much without blocking (POSIX: PIPE_BUF).
    private static let atomic = 4096

    private let descriptor: Int32
    private var waiting = ByteBuffer(capacity: 16 * 1024)
    private var isFlushDue = false
    private(set) var droppedLines = 0
    private lazy var again = Timer { [weak self] in self?.flush() }
    /// A file is always ready: it need not be asked.
    private lazy var isFile = {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }()

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// `line` without its line end. It is written with the others of the same turn of the loop.
    func write(_ line: borrowing ByteBuffer) {
        guard waiting.count + line.count < Self.bound else {
            droppedLines += 1
            return
        }
        unsafe line.withBytes { unsafe waiting.append($0) }
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
        while start < waiting.count, isReady {
            let written = unsafe waiting.withBytes { bytes in
                unsafe Glibc.write(
                    descriptor, bytes.baseAddress?.advanced(by: start), min(Self.atomic, bytes.count - start))
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

    private var isReady: Bool {
        if isFile { return true }
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&watched, 1, 0) == 1 && watched.revents & Int16(POLLOUT) != 0
    }
}
