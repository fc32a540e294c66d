/// Messages to the process that makes room.
enum SweepOrder: Equatable {
    /// `cache_size` has changed.
    case size(CacheSize)
    /// A file was opened to be read or filled.
    case opened(BlobName, isComplete: Bool)

    init?(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return nil }
        let rest = Array(bytes.dropFirst())
        switch kind {
        case UInt8(ascii: "b"), UInt8(ascii: "%"):
            guard let words = [Int](ofMessage: rest, count: 1) else { return nil }
            self = .size(kind == UInt8(ascii: "%") ? .share(words[0]) : .bytes(words[0]))
        case UInt8(ascii: "c"), UInt8(ascii: "p"):
            guard let name = BlobName(String(decoding: rest, as: UTF8.self)) else { return nil }
            self = .opened(name, isComplete: kind == UInt8(ascii: "c"))
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .size(.bytes(let bytes)): [UInt8(ascii: "b")] + [bytes].messageBytes
        case .size(.share(let percent)): [UInt8(ascii: "%")] + [percent].messageBytes
        case .opened(let name, let isComplete): [UInt8(ascii: isComplete ? "c" : "p")] + Array(name.hex.utf8)
        }
    }
}

/// What that process reports of its work.
struct SweepReport: Equatable {
    /// Of the disk.
    let bytes: Int
    let files: Int
    /// Since its start.
    let evictions: Int
    /// Why some file cannot be removed, as in `errno`; 0: all can.
    let fault: Int32

    init(bytes: Int, files: Int, evictions: Int, fault: Int32) {
        (self.bytes, self.files, self.evictions, self.fault) = (bytes, files, evictions, fault)
    }

    init?(_ received: [UInt8]) {
        guard let words = [Int](ofMessage: received, count: 4), let fault = Int32(exactly: words[3]) else {
            return nil
        }
        (bytes, files, evictions, self.fault) = (words[0], words[1], words[2], fault)
    }

    var message: [UInt8] { [bytes, files, evictions, Int(fault)].messageBytes }
}
