import EventIO
import Glibc
import Hub

/// Waits for all of a blob, as a reader that takes no bytes.
@EventLoop
final class BlobPull {
    private(set) var failure: Failure?

    /// A fill has come to nothing.
    func fail(_ failure: Failure) { self.failure = failure }
}

/// Files that are fetched because an operator has ordered it.
extension FileCache {
    private static let pause: UInt64 = 25
    /// The number of pieces that are checked in one step.
    private static let looked = 256
    private static let partBytes = 256 << 10

    /// Whether all of it is here.
    func isHeld(_ name: BlobName) -> Bool {
        (try? BlobFile(existing: name, isComplete: true, in: directory, access: .read)) != nil
    }

    /// The same for a blob of this size.
    func isHeld(_ name: BlobName, _ layout: BlobLayout) -> Bool {
        (try? BlobFile(existing: name, isComplete: true, in: directory, access: .read))?.layout == layout
    }

    /// Returns when all of it is in the cache and right, with what the store says of the source's address. `note` gets the number of
    /// bytes that are there, `isCancelled` is asked now and then. Throws why it cannot be had, `clientGone` where it is cancelled.
    func pull(
        _ name: BlobName, _ layout: BlobLayout, from source: FileSource, confirmedBy confirmation: FileConfirmation,
        isCancelled: () -> Bool, note: (Int) -> Void
    ) async throws(Failure) -> StoreResult {
        guard layout.size <= mostBytes else { throw .tooLargeForCache(layout.size, mostBytes) }
        await openable(name)
        guard let blob = open(name, layout) else { throw .cacheDisk }
        let pull = BlobPull()
        blob.pulls.append(pull)
        defer { blob.leave(pull) }
        var (cursor, steps) = (0, 0)
        while !blob.file.isComplete {
            if isCancelled() { throw .clientGone }
            if let failure = pull.failure { throw failure }
            guard isOn, blob.file.isLinked else { throw .cacheDisk }
            cursor = blob.firstMissing(from: cursor, atMost: Self.looked)
            if cursor < layout.pieces {
                blob.fill(cursor, upTo: layout.pieces, source, "")
            } else if blob.fills.isEmpty {
                blob.prove(source, address: "")
                // A piece that turned out to be damaged is missing again.
                steps += 1
                if steps % 40 == 0 { cursor = 0 }
            }
            if blob.fills.isEmpty { blob.pollSoon(about: cursor < layout.pieces ? cursor : nil) }
            note(min(layout.size, blob.fills.first?.position ?? cursor * BlobLayout.pieceBytes))
            await EventLoop.sleep(milliseconds: Self.pause)
        }
        note(layout.size)
        guard !confirmed.contains(confirmation.key) else { return .given }
        let result = Awaited<StoreResult>()
        guard blob.confirm(confirmation, 0, then: { result.settle($0) }) else { return .refused }
        return await result.value() ?? .refused
    }

    /// Keeps content under its SHA-256. Nil for empty content, which needs no file. Throws where the disk does not take it.
    func keep(_ content: [UInt8]) async throws(Failure) -> BlobName? {
        guard let layout = BlobLayout(size: content.count) else { return nil }
        let hash = IncrementalSHA256()
        for start in stride(from: 0, to: content.count, by: Self.partBytes) {
            unsafe content[start..<min(content.count, start + Self.partBytes)].withUnsafeBufferPointer {
                unsafe hash.add($0)
            }
            if content.count > Self.partBytes { await EventLoop.sleep(milliseconds: 0) }
        }
        guard let name = BlobName(hash.finish().hexText) else { return nil }
        if isHeld(name) { return name }
        do throws(FileError) {
            let writer = try BlobWriter(name, layout, in: directory, generation: generation, now: WallClock.now.seconds)
            for start in stride(from: 0, to: content.count, by: Self.partBytes) {
                let part = content[start..<min(content.count, start + Self.partBytes)]
                var failure: FileError?
                unsafe part.withUnsafeBufferPointer { bytes in
                    do throws(FileError) { try unsafe writer.add(bytes) } catch { failure = error }
                }
                if let failure { throw failure }
                if content.count > Self.partBytes { await EventLoop.sleep(milliseconds: 0) }
            }
            guard try writer.finish() else { throw FileError(EIO) }
            return name
        } catch {
            stop(error)
            throw .cacheDisk
        }
    }

    /// Sets whether blobs stay, whatever else is asked for.
    func setPinned(_ names: some Sequence<BlobName>, _ isPinned: Bool) async {
        var count = 0
        for name in names {
            await openable(name)
            (try? BlobFile(existing: name, isComplete: true, in: directory))?.setPinned(isPinned)
            count += 1
            if count % 32 == 0 { await EventLoop.sleep(milliseconds: 0) }
        }
    }
}

extension Blob {
    /// The first piece from `piece` on that is not there, among the next `count`.
    fileprivate func firstMissing(from piece: Int, atMost count: Int) -> Int {
        let end = min(layout.pieces, piece + count)
        return (piece..<max(piece, end)).first {
            let state = state(of: $0)
            return state == .absent || state == .unknown
        } ?? end
    }

    fileprivate func leave(_ pull: BlobPull) {
        pulls.removeAll { $0 === pull }
        if pulls.isEmpty, readers.isEmpty { stopFilling() }
        closeIfIdle()
    }
}

/// Writes a blob from its beginning to its end.
final class BlobWriter {
    private let file: BlobFile
    private let directory: CacheDirectory
    private let generation: UInt64
    private let (all, own) = (IncrementalSHA256(), IncrementalSHA256())
    private var position = 0

    init(
        _ name: BlobName, _ layout: BlobLayout, in directory: CacheDirectory, generation: UInt64, now: Int
    ) throws(FileError) {
        file = try BlobFile.open(name, layout, in: directory, now: now)
        self.directory = directory
        self.generation = generation
    }

    /// Throws what the kernel says, `EFBIG` for more than its size.
    func add(_ bytes: UnsafeBufferPointer<UInt8>) throws(FileError) {
        guard bytes.count <= file.layout.size - position else { throw FileError(EFBIG) }
        var taken = 0
        while taken < bytes.count {
            let range = file.layout.range(of: file.layout.piece(at: position))
            let end = min(bytes.count, taken + range.upperBound - position)
            let part = unsafe UnsafeBufferPointer(rebasing: bytes[taken..<end])
            try unsafe file.write(part, at: position)
            unsafe all.add(part)
            unsafe own.add(part)
            position += part.count
            if position == range.upperBound {
                try file.hold(
                    file.layout.piece(at: range.lowerBound), PieceEntry(generation: generation, digest: own.finish()))
            }
            taken = end
        }
    }

    /// Whether the content is what its name says: then the blob gets its name, otherwise it is deleted.
    func finish() throws(FileError) -> Bool {
        guard position == file.layout.size, file.name.isOf(all.finish()) else {
            try directory.discard(file.name)
            return false
        }
        if !file.isComplete { try file.complete() }
        return true
    }
}

extension FileSource {
    /// For content that is not fetched: the discard port (RFC 863), where no server listens.
    static let none = FileSource(
        url: "https://127.0.0.1:9/", userAgent: nil, limits: Transfer.Limits(connect: 1, firstByte: 1, stall: 1)
    ) { _ throws(Failure) in throw .hubBroken("nothing is fetched for this file") }
}

extension Failure {
    static var cacheDisk: Failure {
        Failure(.tooBusy, detail: "The disk of cache_dir takes nothing at present; the log has more.")
    }

    /// In bytes.
    static func tooLargeForCache(_ wanted: Int, _ size: Int) -> Failure {
        Failure(.payloadTooLarge, detail: "It takes \(wanted) bytes, and cache_size is \(size).")
    }
}
