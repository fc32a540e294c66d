import EventIO
import Glibc

/// Opening a blob whose inode or index is not in memory waits for the disk: the reader process does that first.
extension FileCache {
    /// A disk that gives nothing for so long counts as broken, in milliseconds.
    private static let longestMilliseconds: UInt64 = 10_000

    /// Calls `then` once, when opening the blob does not wait for the disk any more: at once where it is open or in memory, or where there is no
    /// reader process.
    func whenOpenable(_ name: BlobName, then: @escaping @EventLoop () -> Void) {
        guard let disk, !isOpenable(name) else { return then() }
        let opening = BlobOpening(then)
        opening.start(milliseconds: Self.longestMilliseconds) { self.stopReading(FileError(ETIMEDOUT)) }
        // Outside of the callback: `then` may end calls.
        disk.open(name) { _ in EventLoop.post { opening.end() } }
    }

    /// Whether the loop would not wait for the disk, or has to, since there is no reader process.
    func isOpenable(_ name: BlobName) -> Bool {
        guard isReadable, !isOpen(name), let disk, !disk.isOver else { return true }
        return directory.isInMemory(name, buffer)
    }

    /// `whenOpenable`, for a task.
    func openable(_ name: BlobName) async {
        await withCheckedContinuation { continuation in
            whenOpenable(name) { continuation.resume() }
        }
    }
}

@EventLoop
private final class BlobOpening {
    private var then: (@EventLoop () -> Void)?
    private var limit: Timer?

    init(_ then: @escaping @EventLoop () -> Void) {
        self.then = then
    }

    /// Goes on after so many milliseconds at the latest; `fail` is called first then.
    func start(milliseconds: UInt64, fail: @escaping @EventLoop () -> Void) {
        let limit = Timer { [weak self] in EventLoop.post { self?.end(fail) } }
        limit.start(milliseconds: milliseconds)
        self.limit = limit
    }

    func end(_ fail: @EventLoop () -> Void = {}) {
        guard let then = then.take() else { return }
        limit = nil
        fail()
        then()
    }
}

extension CacheDirectory {
    /// Whether all that opening a blob takes is in memory: its directory entry, its inode and its index.
    func isInMemory(_ name: BlobName, _ buffer: FileBuffer) -> Bool {
        for isComplete in [true, false] {
            switch StoredFile.inMemory(path(of: name, isComplete: isComplete)) {
            case .file(let file): return file.hasIndexInMemory(buffer)
            case .absent: continue
            case .unknown: return false
            }
        }
        // The blob will be made.
        return true
    }

    /// Reads all that opening it takes. Waits for the disk.
    func bringIntoMemory(_ name: BlobName, _ buffer: FileBuffer) {
        for isComplete in [true, false] {
            guard let file = try? StoredFile(path(of: name, isComplete: isComplete), .read), let range = file.indexRange
            else {
                continue
            }
            var position = range.lowerBound
            while position < range.upperBound,
                case .bytes(let count) = file.readWaiting(
                    into: buffer, at: position, count: range.upperBound - position),
                count > 0
            {
                position += count
            }
            return
        }
    }
}

extension StoredFile {
    /// Where the index of a blob of this size is, and some bytes before it.
    fileprivate var indexRange: Range<Int>? {
        guard let size, isRegular else { return nil }
        let pieces = size / BlobLayout.pieceBytes + 2
        return max(0, size - BlobLayout.headerBytes - pieces * BlobLayout.entryBytes)..<size
    }

    fileprivate func hasIndexInMemory(_ buffer: FileBuffer) -> Bool {
        guard let range = indexRange else { return true }
        var position = range.lowerBound
        while position < range.upperBound {
            guard case .bytes(let count) = read(into: buffer, at: position, count: range.upperBound - position),
                count > 0
            else {
                return false
            }
            position += count
        }
        return true
    }
}
