import EventIO
import Glibc

/// A blob on the disk: its content and its index. All processes of the machine that have `cache_dir` may have it open at once.
final class BlobFile {
    let name: BlobName
    let layout: BlobLayout
    private let directory: CacheDirectory
    private let file: StoredFile
    private let scratch: FileBuffer
    /// Whether its SHA-256 was found right.
    private(set) var isComplete: Bool
    /// Of all its pieces; nil as long as it is not complete.
    private(set) var origin: BlobOrigin?

    /// Claims are locks far beyond any content: of pieces, of the check of all of it, and of having it open.
    private static let claims = 1 << 56
    private static let proofClaim = claims - 1
    private static let useClaim = CacheDirectory.use

    /// A file of which less is on the disk counts as empty.
    private static let negligibleBytes = 64 << 10

    /// Opens the blob, or makes it. Throws what the kernel says, `EEXIST` for a blob of another size. `mayReplace`: one that is
    /// not whole makes way.
    static func open(
        _ name: BlobName, _ layout: BlobLayout, in directory: CacheDirectory, now: Int, mayReplace: Bool = true
    ) throws(FileError) -> BlobFile {
        if let found = try? BlobFile(existing: name, isComplete: true, in: directory) {
            // Its SHA-256 was found right, so its size is right, too.
            guard found.layout == layout else { throw FileError(EEXIST) }
            return found
        }
        let path = directory.path(of: name, isComplete: false)
        for _ in 0..<2 {
            let file = try StoredFile(path, .create)
            if file.size == 0 {
                try file.resize(layout.fileBytes)
                try file.write(BlobHeader(size: layout.size, created: now).bytes, at: layout.headerOffset)
            }
            if let found = BlobFile(file, name, in: directory, isComplete: false) {
                if found.layout == layout { return found }
                let isLittle = found.diskBytes < negligibleBytes && !found.isInUse
                guard mayReplace || isLittle else { throw FileError(EEXIST) }
            }
            // A crash, or another version of this program, has left it.
            _ = try directory.discard(path)
        }
        throw FileError(EIO)
    }

    /// Opens a blob that exists. Throws what the kernel says; `EBADMSG` for a file that is no blob.
    init(
        existing name: BlobName, isComplete: Bool, in directory: CacheDirectory, access: StoredFile.Access = .write
    ) throws(FileError) {
        let file = try StoredFile(directory.path(of: name, isComplete: isComplete), access)
        guard let found = BlobFile(file, name, in: directory, isComplete: isComplete) else { throw FileError(EBADMSG) }
        (self.name, layout, self.directory, self.file) = (found.name, found.layout, found.directory, found.file)
        scratch = found.scratch
        (self.isComplete, origin) = (found.isComplete, found.origin)
    }

    /// Nil where it is no blob.
    private init?(_ file: StoredFile, _ name: BlobName, in directory: CacheDirectory, isComplete: Bool) {
        let scratch = FileBuffer(capacity: BlobLayout.headerBytes)
        guard let size = file.size, let layout = Self.layout(of: file, bytes: size, scratch) else { return nil }
        self.scratch = scratch
        (self.name, self.layout, self.directory, self.file) = (name, layout, directory, file)
        self.isComplete = isComplete
        if isComplete, header?.state != .complete { return nil }
        refresh()
    }

    /// The content's size follows from the file's: only a few sizes are possible, and each is tried.
    private static func layout(of file: StoredFile, bytes: Int, _ scratch: FileBuffer) -> BlobLayout? {
        // Each piece of content has an entry, so the index begins near `bytes * piece / (piece + entry)`, on a page.
        let page = 4096
        var pieces = max(1, bytes / (BlobLayout.pieceBytes + BlobLayout.entryBytes))
        while pieces <= bytes / BlobLayout.pieceBytes + 1 {
            let offset = bytes - BlobLayout.headerBytes - pieces * BlobLayout.entryBytes
            if offset > 0, offset % page == 0,
                case .bytes(BlobLayout.headerBytes) = file.readWaiting(
                    into: scratch, at: offset, count: BlobLayout.headerBytes),
                let header = BlobHeader(unsafe Array(scratch.bytes)),
                let layout = BlobLayout(size: header.size), layout.headerOffset == offset, layout.fileBytes == bytes
            {
                return layout
            }
            pieces += 1
        }
        return nil
    }
}

// MARK: the index

extension BlobFile {
    var header: BlobHeader? { bytes(at: layout.headerOffset, BlobLayout.headerBytes).flatMap { BlobHeader($0) } }

    /// Nil for a piece that is not there.
    func entry(of piece: Int) -> PieceEntry? {
        bytes(at: layout.entryOffset(of: piece), BlobLayout.entryBytes).flatMap { PieceEntry($0) }
    }

    /// Marks a piece as there. Its bytes were written before; the generation is written last and makes the entry valid.
    func hold(_ piece: Int, _ entry: PieceEntry) throws(FileError) {
        try file.write(entry.digest + entry.origin.bytes, at: layout.entryOffset(of: piece) + 8)
        try file.write(entry.generation.littleEndianBytes, at: layout.entryOffset(of: piece))
    }

    /// Marks a piece as not there.
    func drop(_ piece: Int) {
        try? file.write(UInt64(0).littleEndianBytes, at: layout.entryOffset(of: piece))
    }

    /// Counts a request. If two processes count at once one may be lost: it only shows that the blob is wanted.
    func countHit() {
        guard let header else { return }
        try? file.write((header.hits &+ 1).littleEndianBytes, at: layout.headerOffset + BlobHeader.hitsOffset)
    }

    /// Sets whether it stays, whatever else is asked for.
    func setPinned(_ isPinned: Bool) {
        try? file.write(UInt64(isPinned ? 1 : 0).littleEndianBytes, at: layout.headerOffset + BlobHeader.pinOffset)
    }

    /// Looks whether other processes have found it right meanwhile. False: they found it wrong.
    @discardableResult
    func refresh() -> Bool {
        guard let header else { return false }
        isComplete = header.state == .complete
        origin = isComplete ? header.origin : nil
        return header.state != .bad
    }

    private func bytes(at offset: Int, _ count: Int) -> [UInt8]? {
        guard case .bytes(count) = file.readWaiting(into: scratch, at: offset, count: count) else { return nil }
        return unsafe Array(scratch.bytes)
    }

    private func write(_ state: BlobHeader.State) throws(FileError) {
        try file.write(state.rawValue.littleEndianBytes, at: layout.headerOffset + BlobHeader.stateOffset)
        isComplete = state == .complete
        if !isComplete { origin = nil }
    }

    /// Its SHA-256 is right: from here on it has its final name. `origin`: of all its pieces.
    func complete(from origin: BlobOrigin = .several) throws(FileError) {
        try file.write(origin.bytes, at: layout.headerOffset + BlobHeader.originOffset)
        try write(.complete)
        self.origin = origin
        try rename(from: false)
    }

    /// A piece of it turned out to be damaged: it has to be filled again.
    func reopen() throws(FileError) {
        try write(.partial)
        try rename(from: true)
    }

    private func rename(from wasComplete: Bool) throws(FileError) {
        let (old, new) = (
            directory.path(of: name, isComplete: wasComplete), directory.path(of: name, isComplete: !wasComplete)
        )
        // A file that has lost its name meanwhile is only read to its end; another file may have the name by now.
        guard file.isAt(old) else { return }
        guard unsafe Glibc.rename(old, new) == 0 || errno == ENOENT else { throw FileError() }
    }

    /// The content is not what its name says: it is not found any more.
    func spoil() {
        try? write(.bad)
        // By then another file may have the name.
        if isLinked { try? directory.discard(name) }
    }

    /// Removes the name of a file that is not whole: it is not found any more.
    func setAside() throws(FileError) { try directory.discard(name) }

    /// Whether other processes still find it by its name.
    var isLinked: Bool {
        [isComplete, !isComplete].contains { file.isAt(directory.path(of: name, isComplete: $0)) }
    }
}

// MARK: the content

extension BlobFile {
    func read(into buffer: FileBuffer, at offset: Int, count: Int) -> StoredFile.Outcome {
        file.read(into: buffer, at: offset, count: min(count, layout.size - offset))
    }

    func readWaiting(into buffer: FileBuffer, at offset: Int, count: Int) -> StoredFile.Outcome {
        file.readWaiting(into: buffer, at: offset, count: min(count, layout.size - offset))
    }

    /// The open file, to be handed to another process.
    var stored: StoredFile { file }

    /// How many bytes of it are on the disk; for a sparse file about as many as its pieces have.
    var diskBytes: Int { file.diskBytes ?? 0 }

    func write(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) throws(FileError) {
        try unsafe file.write(bytes, at: offset)
    }

    func startWriting(at offset: Int, count: Int) { file.startWriting(at: offset, count: count) }
}

// MARK: claims

extension BlobFile {
    /// Claims this piece for this process; false if another process has it.
    func claim(_ piece: Int) -> Bool { file.claim(Self.claims + piece..<Self.claims + piece + 1) }
    func release(_ pieces: Range<Int>) {
        file.release(Self.claims + pieces.lowerBound..<Self.claims + pieces.upperBound)
    }

    /// Claims the check of all of it.
    func claimProof() -> Bool { file.claim(Self.proofClaim..<Self.proofClaim + 1) }
    func releaseProof() { file.release(Self.proofClaim..<Self.proofClaim + 1) }

    /// While it is open here, the sweeper does not remove it.
    func use() { _ = file.share(Self.useClaim) }

    /// Whether another process has it open to read or to fill it.
    var isInUse: Bool { file.isClaimedElsewhere(Self.useClaim..<Self.claims + layout.pieces) }
}
