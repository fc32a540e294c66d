import EventIO
import Glibc

/// The connection to the process that waits for the disk in the place of this one (`DiskReading`): what it reads is in memory for both.
@EventLoop
final class DiskReader {
    /// How long it waits where the socket has no room, in milliseconds.
    private static let retryMilliseconds: UInt64 = 5

    private let channel: FileChannel
    private let warn: (String) -> Void
    private var waiting: [Int: @EventLoop (FileError?) -> Void] = [:]
    private var unsent: ArraySlice<(message: [UInt8], file: StoredFile?)> = []
    private var number = 0
    private var watch: DescriptorWatch?
    private lazy var retry = Timer { [weak self] in self?.sendAll() }
    private(set) var isOver = false

    init(_ channel: FileChannel, warn: @escaping (String) -> Void) {
        self.channel = channel
        self.warn = warn
        watch = DescriptorWatch(channel.descriptor, readable: { [weak self] in self?.receive() }, writable: {})
    }

    /// Has these bytes read. `then` is called once, in a later turn: with nil when they are in memory, or with what the kernel says.
    func read(_ file: StoredFile, _ range: Range<Int>, then: @escaping @EventLoop (FileError?) -> Void) {
        send(then, with: file) { DiskRequest(number: $0, range: range).bytes }
    }

    /// The same for the parts of a blob that opening it needs.
    func open(_ name: BlobName, then: @escaping @EventLoop (FileError?) -> Void) {
        send(then, with: nil) { DiskOpening(number: $0, name: name).bytes }
    }

    private func send(
        _ then: @escaping @EventLoop (FileError?) -> Void, with file: StoredFile?, _ message: (Int) -> [UInt8]
    ) {
        number += 1
        waiting[number] = then
        unsent.append((message(number), file))
        if unsent.count == 1 { sendAll() }
    }

    private func sendAll() {
        while let (message, file) = unsent.first, !isOver {
            guard channel.send(message, with: file) else {
                return retry.start(milliseconds: Self.retryMilliseconds)
            }
            unsent.removeFirst()
        }
    }

    private func receive() {
        while true {
            switch channel.receive() {
            case .none: return
            case .ended: return end()
            case .message(let bytes, _):
                guard let answer = DiskAnswer(bytes), let then = waiting.removeValue(forKey: answer.number) else {
                    continue
                }
                then(answer.error)
            }
        }
    }

    /// From here on this process waits for the disk itself.
    private func end() {
        isOver = true
        EventLoop.post { self.watch = nil }
        warn("The process that reads cache_dir has ended: until a restart a slow disk holds up all requests.")
        let all = waiting.values
        (waiting, unsent) = ([:], [])
        for then in all { then(nil) }
    }
}

/// A request to the process that reads.
struct DiskRequest {
    let number: Int
    let range: Range<Int>

    init(number: Int, range: Range<Int>) {
        (self.number, self.range) = (number, range)
    }

    init?(_ bytes: [UInt8]) {
        guard let words = [Int](ofMessage: bytes, count: 3), words[1] >= 0, words[1] <= words[2] else { return nil }
        (number, range) = (words[0], words[1]..<words[2])
    }

    var bytes: [UInt8] { [number, range.lowerBound, range.upperBound].messageBytes }
}

/// A request to prepare a blob for opening.
struct DiskOpening {
    private static let kind = UInt8(ascii: "o")

    let number: Int
    let name: BlobName

    init(number: Int, name: BlobName) {
        (self.number, self.name) = (number, name)
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 73, bytes[0] == Self.kind,
            let number = [Int](ofMessage: Array(bytes[1..<9]), count: 1)?.first,
            let name = BlobName(String(decoding: bytes[9...], as: UTF8.self))
        else { return nil }
        (self.number, self.name) = (number, name)
    }

    var bytes: [UInt8] { [Self.kind] + [number].messageBytes + Array(name.hex.utf8) }
}

/// Its answer.
struct DiskAnswer {
    let number: Int
    let error: FileError?

    init(number: Int, error: FileError?) {
        (self.number, self.error) = (number, error)
    }

    init?(_ bytes: [UInt8]) {
        guard let words = [Int](ofMessage: bytes, count: 2), let code = Int32(exactly: words[1]) else { return nil }
        (number, error) = (words[0], code == 0 ? nil : FileError(code))
    }

    var bytes: [UInt8] { [number, Int(error?.code ?? 0)].messageBytes }
}

extension [Int] {
    /// Nil for a message of another length.
    init?(ofMessage bytes: [UInt8], count: Int) {
        guard bytes.count == 8 * count else { return nil }
        self = (0..<count).map {
            Int(truncatingIfNeeded: UInt64(littleEndianBytes: Array<UInt8>(bytes[8 * $0..<8 * $0 + 8])))
        }
    }

    var messageBytes: [UInt8] { flatMap { UInt64(bitPattern: Int64($0)).littleEndianBytes } }
}
