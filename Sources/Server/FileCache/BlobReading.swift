import EventIO
import Glibc

/// Reads a blob without waiting for the disk: another process reads what is not in memory, and then the work gets another turn.
@EventLoop
final class BlobReading {
    /// The size of one read, into the one buffer of the cache.
    static let pieceBytes = 64 * 1024
    /// How much is brought into memory at once; the next part is requested while this one is read.
    private static let aheadBytes = 1 << 20
    /// A disk that gives nothing for so long counts as broken.
    private static let longestMilliseconds: UInt64 = 10_000
    /// After so many tries, each of which was evicted again, the loop waits for the disk: memory is short.
    private static let mostTries = 8

    private let blob: Blob
    private weak var work: (any LoopWork)?
    private lazy var limit = Timer { [weak self] in self?.fail(FileError(ETIMEDOUT)) }
    /// The range that is being brought into memory; empty: none.
    private var asked = 0..<0
    /// The range that was brought.
    private var brought = 0..<0
    private var tries = 0
    private var isWaiting = false
    private var failure: FileError?

    init(_ blob: Blob, for work: any LoopWork) {
        self.blob = blob
        self.work = work
    }

    /// Reads at most `pieceBytes` into the cache's buffer. After `.later` the work gets a turn.
    func read(at offset: Int, count: Int) -> StoredFile.Outcome {
        if let failure = failure.take() { return .failed(failure) }
        let count = min(count, Self.pieceBytes)
        let outcome = blob.file.read(into: blob.cache.buffer, at: offset, count: count)
        switch outcome {
        case .later: return later(offset, count)
        case .unknown:
            guard brought.contains(offset) else { return later(offset, count) }
            ask(after: offset)
            return wait(offset, min(count, brought.upperBound - offset))
        case .bytes, .failed:
            // Where nothing was missing, nothing is requested.
            if !brought.isEmpty { ask(after: offset) }
            tries = 0
            return outcome
        }
    }

    private func later(_ offset: Int, _ count: Int) -> StoredFile.Outcome {
        guard let disk = blob.cache.disk, !disk.isOver, tries < Self.mostTries else { return wait(offset, count) }
        // The work may have other turns meanwhile.
        if !asked.contains(offset) {
            tries += 1
            ask(offset, of: disk)
        }
        if !isWaiting {
            isWaiting = true
            limit.start(milliseconds: Self.longestMilliseconds)
        }
        return .later
    }

    private func wait(_ offset: Int, _ count: Int) -> StoredFile.Outcome {
        tries = 0
        return blob.file.readWaiting(into: blob.cache.buffer, at: offset, count: count)
    }

    /// Requests the next part in time.
    private func ask(after offset: Int) {
        guard asked.isEmpty, let disk = blob.cache.disk else { return }
        if brought.contains(offset), offset + Self.aheadBytes / 2 > brought.upperBound {
            ask(brought.upperBound, of: disk)
        }
    }

    private func ask(_ offset: Int, of disk: DiskReader) {
        let range = offset..<min(blob.layout.size, offset + Self.aheadBytes)
        guard !range.isEmpty, !disk.isOver else { return }
        asked = range
        disk.read(blob.file.stored, range) { [weak self] error in self?.have(range, error) }
    }

    private func have(_ range: Range<Int>, _ error: FileError?) {
        // The answer to an earlier request, which took too long.
        guard asked == range else { return }
        asked = 0..<0
        brought =
            brought.upperBound == range.lowerBound && !brought.isEmpty ? brought.lowerBound..<range.upperBound : range
        if let error, isWaiting { return fail(error) }
        if error != nil { brought = 0..<0 }
        goOn()
    }

    private func fail(_ error: FileError) {
        failure = error
        (asked, brought) = (0..<0, 0..<0)
        goOn()
    }

    private func goOn() {
        guard isWaiting else { return }
        isWaiting = false
        limit.stop()
        if let work { blob.cache.turns.add(work) }
    }
}
