import EventIO

/// Counts a body as it goes by: its bytes, and the files of a commit, which is one JSON object a line (`application/x-ndjson`).
@EventLoop
final class AuditedBody {
    private(set) var bytes = 0
    private let isCommit: Bool
    private var count = 0
    /// A line does not begin as the Hub's clients write them.
    private var isOdd = false
    /// The beginning of the present line.
    private var beginning: [UInt8] = []

    private static let wanted = 64

    init(isCommit: Bool) {
        self.isCommit = isCommit
    }

    /// Files that the commit writes or deletes; nil where that is not known.
    var files: Int? {
        guard isCommit, !isOdd, bytes > 0 else { return nil }
        return beginning.isEmpty ? count : count(in: beginning).map { count + $0 }
    }

    func take(_ new: UnsafeBufferPointer<UInt8>) {
        bytes += new.count
        guard isCommit, !isOdd else { return }
        var rest = unsafe new[...]
        while unsafe !rest.isEmpty {
            let end = unsafe rest.firstIndex(of: UInt8(ascii: "\n"))
            let line = unsafe rest[rest.startIndex..<(end ?? rest.endIndex)]
            if beginning.count < Self.wanted {
                unsafe beginning.append(contentsOf: line.prefix(Self.wanted - beginning.count))
            }
            guard let end else { return }
            endLine()
            unsafe rest = rest[(end + 1)...]
        }
    }

    private func endLine() {
        if !beginning.isEmpty {
            if let found = count(in: beginning) { count += found } else { isOdd = true }
        }
        beginning.removeAll(keepingCapacity: true)
    }

    /// 1 for a line that is about a file, 0 for another; nil for one that does not begin with its key.
    private func count(in line: [UInt8]) -> Int? {
        let text = line.filter { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
        if text.isEmpty { return 0 }
        guard text.starts(with: "{\"key\":\"".utf8) else { return nil }
        let key = text.dropFirst(8).prefix { $0 != UInt8(ascii: "\"") }
        return Self.ofFiles.contains(String(decoding: key, as: UTF8.self)) ? 1 : 0
    }

    private static let ofFiles: Set<String> = ["file", "lfsFile", "deletedFile", "deletedFolder", "deletedEntry"]
}
