import EventIO
import Glibc

/// Reads a file of the audit line by line, in pieces. After the last line it gives nil; a line that is appended then is found by a later call.
final class AuditLines {
    private let path: String
    private let descriptor: Int32
    private var offset = 0
    private var bytes: [UInt8] = []
    private var start = 0
    /// Of the line that `next` gave last, from 1.
    private(set) var number = 0

    private static let piece = 1 << 20
    /// None of ours is as long.
    private static let longest = 4 << 20

    init(_ path: String) throws(AuditError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AuditError("\(path.shown) cannot be read: \(SystemError.text(errno))") }
    }

    deinit {
        close(descriptor)
    }

    /// The next whole line without its line feed; nil where there is none yet.
    func next() throws(AuditError) -> [UInt8]? {
        var looked = start
        while true {
            if let end = bytes[looked...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                number += 1
                return Array(bytes[start..<end])
            }
            looked = bytes.count
            guard looked - start <= Self.longest else {
                throw AuditError("\(path.shown) has a line that is far too long")
            }
            let more = try AuditFile.read(descriptor, path, offset, Self.piece)
            guard !more.isEmpty else { return nil }
            looked -= start
            bytes.removeFirst(start)
            start = 0
            bytes += more
            offset += more.count
        }
    }

    /// The number of bytes after the last whole line.
    var rest: Int { bytes.count - start }
}

/// For commands, which have no event loop to block.
enum Pause {
    static func sleep(milliseconds: UInt32) {
        usleep(milliseconds * 1000)
    }
}
