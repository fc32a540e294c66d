internal import Glibc

/// Writes lines to a descriptor without ever making the loop wait for the reader: what it does not take is kept, up to a bound, and then
/// dropped and counted. A full pipe behind the log must not stop the gateway.
///
/// Workers write to one pipe together. Each write ends with a line, so that lines of at most 4096 bytes stay whole.
@EventLoop
final class Output {
    private static let bound = 1 << 20
    /// A pipe takes this much at once or not at all (POSIX: PIPE_BUF).
    nonisolated private static let atomic = 4096

    private let way: OutputWay
    private var waiting = ByteBuffer(capacity: 16 * 1024)
    private var isFlushDue = false
    private(set) var droppedLines = 0
    private lazy var again = Timer { [weak self] in self?.flush() }

    init(_ way: OutputWay) {
        self.way = way
    }

    convenience init(descriptor: Int32) {
        self.init(OutputWay(descriptor))
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

    /// How much of `waiting` the next write takes: to the last line that fits whole, or a part of one that is too long.
    nonisolated static func lengthOfWrite(_ waiting: UnsafeBufferPointer<UInt8>) -> Int {
        let most = unsafe waiting.prefix(atomic)
        return unsafe most.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? most.count
    }
}
