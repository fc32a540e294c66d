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
    private var waiting: [UInt8] = []
    private var isFlushDue = false
    private(set) var droppedLines = 0
    private lazy var again = Timer { [weak self] in self?.flush() }

    init(descriptor: Int32) {
        way = OutputWay(descriptor)
    }

    /// `line` without its line end. It is written with the others of the same turn of the loop.
    func write(_ line: [UInt8]) {
        guard waiting.count + line.count < Self.bound else {
            droppedLines += 1
            return
        }
        waiting += line
        waiting.append(UInt8(ascii: "\n"))
        if !isFlushDue {
            isFlushDue = true
            again.start(milliseconds: 0)
        }
    }

    /// Writes what waits, as far as the reader takes it now.
    func flush() {
        isFlushDue = false
        var start = 0
        while start < waiting.count {
            let written = way.write(waiting[start..<Self.end(of: waiting, from: start)])
            guard written > 0 else { break }
            start += written
        }
        waiting.removeFirst(start)
        if !waiting.isEmpty {
            isFlushDue = true
            again.start(milliseconds: 50)
        }
    }

    /// Where the next write from `start` ends: behind the last line that fits whole, or inside one that is too long.
    nonisolated static func end(of waiting: [UInt8], from start: Int) -> Int {
        let most = min(start + atomic, waiting.count)
        let lineEnd = waiting[start..<most].lastIndex(of: UInt8(ascii: "\n"))
        return lineEnd.map { $0 + 1 } ?? most
    }
}
