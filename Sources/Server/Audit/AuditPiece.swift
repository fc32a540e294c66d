import EventIO
import Glibc

/// Some lines of the audit before a place: a backward search takes short reads of the state process, however long the audit is.
struct AuditPiece: Equatable {
    /// A place after a line, or at the beginning, of the file with that number.
    struct Place: Equatable, Sendable {
        var serial: Int
        /// In bytes.
        var offset: Int
    }

    /// Whole lines, with their line feeds.
    let lines: [UInt8]
    /// Where they begin; nil where there are none.
    let start: Place?
    /// Where the lines before them end; nil: there are none.
    let before: Place?

    /// So that it fits a message of the state process. A longer line is left out: no writer of ours makes one.
    static let longest = 48 << 10

    /// `place`: nil for the end of the audit.
    init(before place: Place?, in directory: AuditDirectory) throws(AuditError) {
        let files = try directory.files()
        guard let index = place.map({ place in files.lastIndex { $0.serial <= place.serial } }) ?? files.indices.last
        else {
            (lines, start, before) = ([], nil, nil)
            return
        }
        let file = files[index]
        let path = directory.path(of: file)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AuditError("\(path.shown) cannot be read: \(SystemError.text(errno))") }
        defer { close(descriptor) }
        let size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
        let end = place.map { $0.serial == file.serial ? min($0.offset, size) : size } ?? size
        let from = max(0, end - Self.longest)
        var bytes = try AuditFile.read(descriptor, path, from, end - from)[...]
        // Bytes after the last line feed are still being written; those up to the first one belong to an earlier line.
        bytes = bytes.prefix(upTo: bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.startIndex)
        var first = from
        if from > 0 {
            let cut = bytes.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.endIndex
            first += cut - bytes.startIndex
            bytes = bytes[cut...]
        }
        lines = Array(bytes)
        start = lines.isEmpty ? nil : Place(serial: file.serial, offset: first)
        if from > 0 {
            // A line that alone is too long is passed over.
            before = Place(serial: file.serial, offset: lines.isEmpty ? from : first)
        } else {
            before = index > files.startIndex ? Place(serial: files[index - 1].serial, offset: 1 << 60) : nil
        }
    }
}

extension AuditPiece {
    var bytes: [UInt8] {
        var writer = ByteWriter()
        for place in [start, before] {
            writer.put(place) {
                $0.put(Int64($1.serial))
                $0.put(Int64($1.offset))
            }
        }
        writer.put(lines)
        return writer.bytes
    }

    /// Nil for what `bytes` cannot have made.
    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let start = reader.optional(Self.place), let before = reader.optional(Self.place),
            let lines = reader.blob(), reader.isAtEnd
        else { return nil }
        (self.start, self.before, self.lines) = (start, before, lines)
    }

    private static func place(_ reader: inout ByteReader) -> Place? {
        guard let serial = reader.number(Int64.self), let offset = reader.number(Int64.self), serial >= 0, offset >= 0
        else {
            return nil
        }
        return Place(serial: Int(serial), offset: Int(offset))
    }
}
