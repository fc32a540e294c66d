import EventIO

/// Responses that one worker has fetched, for all of them: in memory that was made before they were forked and is never on a disk.
///
/// A ring of bytes, in which each response overwrites the oldest, and an index of words, each of which is changed as a whole. No worker waits for
/// another, and a worker that dies leaves nothing half done. Responses that two write at the same moment for the same key may both be there: the
/// last one is taken. A worker's own cache keeps what is asked for often, so that a crawl does not push it out.
struct SharedResponses: Sendable {
    /// Places in the index for keys with the same bits: one line of a processor's cache.
    private static let row = 8
    /// Bytes of the ring for each word of the index.
    private static let bytesAPlace = 512
    /// The longest content, in bytes: it is copied within a turn of the loop.
    private static let longest = 1 << 20
    /// In a word of the index, the low bits are the place in the ring, the others belong to the key.
    private static let placeBits: UInt64 = 48
    private static let placeMask = (UInt64(1) << placeBits) - 1

    private let ring: SharedRing
    private let index: SharedWords
    private let rows: Int

    /// `bytes` for responses; the index takes a 64th of that besides.
    init(bytes: Int) {
        let secret = UInt64(littleEndianBytes: Array(SharedSecret.derive("shared memory").prefix(8)))
        ring = SharedRing(capacity: bytes, seed: secret)
        rows = max(1, bytes / Self.bytesAPlace / Self.row)
        index = SharedWords(count: rows * Self.row)
    }

    /// The response that was kept last for a key; nil where there is none, or none but the one at `known`.
    @EventLoop
    func find(_ key: SharedKey, but known: UInt64? = nil) -> CachedResponse? {
        for word in words(of: key) {
            let position = Self.position(word.value)
            if position == known { return nil }
            if let response = response(at: position, for: key) { return response }
        }
        return nil
    }

    /// Keeps a response in the place of the one before, unless that one was asked for later.
    @EventLoop
    func keep(_ response: CachedResponse, for key: SharedKey) {
        guard response.response.content.count <= Self.longest else { return }
        var known: [Word] = []
        for word in words(of: key) {
            guard let present = self.response(at: Self.position(word.value), for: key) else { continue }
            guard present.asked <= response.asked else { return }
            known.append(word)
        }
        var message = ByteWriter()
        for place in 0..<4 { message.put(key.words[place]) }
        guard let position = ring.append(message.bytes + response.record) else { return }
        response.sharedPlace = position
        let new = Self.word(key, position)
        // A word that has changed is another worker's, and newer.
        for word in known where index.exchange(word.place, word.value, for: new) == nil { return }
        put(new, inRow: Self.row * row(of: key))
    }

    /// The response that is kept is wrong.
    @EventLoop
    func forget(_ key: SharedKey) {
        for word in words(of: key) where response(at: Self.position(word.value), for: key) != nil {
            _ = index.exchange(word.place, word.value, for: 0)
        }
    }

    @EventLoop
    private func response(at position: UInt64, for key: SharedKey) -> CachedResponse? {
        guard let message = ring.message(at: position) else { return nil }
        var reader = ByteReader(message)
        for place in 0..<4 where reader.number(UInt64.self) != key.words[place] { return nil }
        let response = CachedResponse(from: &reader)
        response?.sharedPlace = position
        return response
    }
}

// MARK: the index

extension SharedResponses {
    private struct Word {
        let place: Int
        let value: UInt64
    }

    private func row(of key: SharedKey) -> Int { Int(key.words[0] % UInt64(rows)) }

    private static func word(_ key: SharedKey, _ position: UInt64) -> UInt64 {
        key.words[1] << placeBits | position / UInt64(SharedRing.unit)
    }

    private static func position(_ word: UInt64) -> UInt64 { (word & placeMask) * UInt64(SharedRing.unit) }

    /// Words that may be of that key and whose responses are still there, the last first.
    private func words(of key: SharedKey) -> [Word] {
        let first = Self.row * row(of: key)
        var found: [Word] = []
        for place in first..<first + Self.row {
            let value = index.load(place)
            guard value != 0, value >> Self.placeBits == key.words[1] & 0xFFFF, ring.isThere(Self.position(value))
            else {
                continue
            }
            found.append(Word(place: place, value: value))
        }
        return found.count < 2 ? found : found.sorted { Self.position($0.value) > Self.position($1.value) }
    }

    /// Puts it into a free place, or that of the oldest response.
    private func put(_ new: UInt64, inRow first: Int) {
        for _ in 0..<Self.row {
            var oldest = Word(place: first, value: index.load(first))
            for place in first..<first + Self.row {
                let value = index.load(place)
                // A free place counts as the oldest.
                if Self.position(value) < Self.position(oldest.value) { oldest = Word(place: place, value: value) }
            }
            if index.exchange(oldest.place, oldest.value, for: new) == nil { return }
        }
    }
}
