import EventIO

/// Responses that one worker has fetched, for all of them: in memory that was made before they were forked, and that no disk ever sees.
///
/// A ring of bytes, in which each response is written over the oldest, and an index of words, each of which is changed as a whole. Nobody waits for
/// anybody, and a worker that dies leaves nothing half done. What two write at the same moment for the same key may be there twice: who looks takes
/// what was written last. A worker's own cache is what holds what is asked for often, and what a crawl passes by.
struct SharedResponses: Sendable {
    /// Places in the index for keys with the same bits: one line of a processor's cache.
    private static let row = 8
    /// Bytes of the ring for a place of the index.
    private static let bytesAPlace = 512
    /// The longest content, in bytes: it is copied within a turn of the loop.
    private static let longest = 1 << 20
    /// Of a word of the index, the bits of the place in the ring; above are bits of the key.
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

    /// What was kept last for a key; nil where there is nothing, or nothing but what is at `known`.
    @EventLoop
    func find(_ key: SharedKey, but known: UInt64? = nil) -> CachedResponse? {
        for word in words(of: key) {
            let position = Self.position(word.value)
            if position == known { return nil }
            if let response = response(at: position, for: key) { return response }
        }
        return nil
    }

    /// Keeps a response from here on in the place of what was there, unless the Hub was asked for that later.
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
        // What is found there now is another's, and newer.
        for word in known where index.exchange(word.place, word.value, for: new) == nil { return }
        put(new, inRow: Self.row * row(of: key))
    }

    /// What is kept is wrong.
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

    /// What may be of that key and is still there, the last first.
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

    /// In a free place, or that of what was written longest ago.
    private func put(_ new: UInt64, inRow first: Int) {
        for _ in 0..<Self.row {
            var oldest = Word(place: first, value: index.load(first))
            for place in first..<first + Self.row {
                let value = index.load(place)
                // What is free was written before all.
                if Self.position(value) < Self.position(oldest.value) { oldest = Word(place: place, value: value) }
            }
            if index.exchange(oldest.place, oldest.value, for: new) == nil { return }
        }
    }
}
