/// The layout of a blob's file: the content, sparse as long as it is not whole, then the index, from the next page on. One file for
/// both: a process that opens it gets an index that belongs to these bytes, whatever other processes do to its name.
///
/// The index is a header and an entry a piece. Numbers are little-endian.
struct BlobLayout: Equatable, Sendable {
    /// Content is fetched, checked and claimed by pieces of so many bytes.
    static let pieceBytes = 4 << 20
    /// No larger file is kept.
    static let mostBytes = 1 << 40
    static let headerBytes = 80
    /// When it was filled, its SHA-256 and its origin.
    static let entryBytes = 56

    private static let page = 4096

    /// Of the content.
    let size: Int

    /// Nil for an empty file, and for one that is too large.
    init?(size: Int) {
        guard (1...Self.mostBytes).contains(size) else { return nil }
        self.size = size
    }

    var pieces: Int { (size - 1) / Self.pieceBytes + 1 }
    var headerOffset: Int { (size + Self.page - 1) / Self.page * Self.page }
    /// Of the file with its index.
    var fileBytes: Int { entryOffset(of: pieces) }

    func entryOffset(of piece: Int) -> Int { headerOffset + Self.headerBytes + piece * Self.entryBytes }

    func range(of piece: Int) -> Range<Int> {
        piece * Self.pieceBytes..<min(size, (piece + 1) * Self.pieceBytes)
    }

    func piece(at offset: Int) -> Int { offset / Self.pieceBytes }
}

/// The beginning of a blob's index.
struct BlobHeader: Equatable {
    enum State: UInt64 {
        /// Some pieces may be missing, or all of them together were not checked yet.
        case partial
        /// Its SHA-256 is its name.
        case complete
        /// The content is not the file's. The blob has lost its name already.
        case bad
    }

    var size: Int
    var state = State.partial
    /// In seconds since 1970.
    var created: Int
    /// How often it was asked for.
    var hits: UInt64 = 0
    /// It stays, whatever else is asked for.
    var isPinned = false
    /// Of all pieces, once the blob is complete.
    var origin = BlobOrigin.several

    private static let magic = UInt64(littleEndianBytes: Array("hubgate2".utf8))
    static let stateOffset = 24
    static let hitsOffset = 40
    static let pinOffset = 48
    static let originOffset = 56

    init(size: Int, created: Int) {
        self.size = size
        self.created = created
    }

    /// Nil for bytes that are no header, or one with pieces of another size.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == BlobLayout.headerBytes else { return nil }
        let words = stride(from: 0, to: 56, by: 8).map { UInt64(littleEndianBytes: Array(bytes[$0..<$0 + 8])) }
        guard words[0] == Self.magic, words[2] == UInt64(BlobLayout.pieceBytes), let size = Int(exactly: words[1]),
            let state = State(rawValue: words[3]), let created = Int(exactly: words[4])
        else { return nil }
        (self.size, self.state, self.created, hits, isPinned) = (size, state, created, words[5], words[6] != 0)
        origin = BlobOrigin(bytes[Self.originOffset...])
    }

    var bytes: [UInt8] {
        let words = [
            Self.magic, UInt64(size), UInt64(BlobLayout.pieceBytes), state.rawValue, UInt64(clamping: created), hits,
            isPinned ? 1 : 0,
        ]
        return words.flatMap(\.littleEndianBytes) + origin.bytes + UInt64(0).littleEndianBytes
    }
}

/// The address from which content was fetched, by the first bytes of a digest: no author can choose another address with the same.
struct BlobOrigin: Equatable, Sendable {
    static let length = 16
    /// Content of several addresses, or of none that is known.
    static let several = BlobOrigin([])

    let bytes: [UInt8]

    /// Of longer bytes the beginning counts, shorter ones are filled up with zeros.
    init(_ bytes: some Collection<UInt8>) {
        let first = Array(bytes.prefix(Self.length))
        self.bytes = first + [UInt8](repeating: 0, count: Self.length - first.count)
    }
}

/// What the index has of a piece that is held.
struct PieceEntry: Equatable {
    /// Names the start of the gateway in which it was filled or last checked; 0 is that of a piece that is not there.
    var generation: UInt64
    /// Of the piece.
    var digest: [UInt8]
    var origin = BlobOrigin.several

    /// Nil for a piece that is not there.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == BlobLayout.entryBytes else { return nil }
        self.init(
            generation: UInt64(littleEndianBytes: Array(bytes[..<8])), digest: Array(bytes[8..<40]),
            origin: BlobOrigin(bytes[40...]))
        if generation == 0 { return nil }
    }

    init(generation: UInt64, digest: [UInt8], origin: BlobOrigin = .several) {
        (self.generation, self.digest, self.origin) = (generation, digest, origin)
    }
}

extension UInt64 {
    /// Of 8 bytes.
    init(littleEndianBytes bytes: [UInt8]) {
        self = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    var littleEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * UInt64($0))) } }
}
