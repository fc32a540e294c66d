import EventIO
import Glibc
import HTTP
import Testing

@testable import Server

struct FileRangeTests {
    private func range(_ text: String?, ifRange: String? = nil, method: Method = .get, size: Int = 100) -> FileRange {
        var headers: Headers = [:]
        if let text { headers.append("Range", text) }
        if let ifRange { headers.append("If-Range", ifRange) }
        return FileRange(
            of: Request(method: method, target: .root, headers: headers), etag: "\"a\"", size: size)
    }

    @Test("A range is read as RFC 9110 section 14.1.2 says, and cut at the file's end")
    func ranges() {
        #expect(range(nil) == .whole)
        #expect(range("bytes=0-0") == .part(0..<1))
        #expect(range("bytes=5-") == .part(5..<100))
        #expect(range("BYTES=5-9") == .part(5..<10))
        #expect(range("bytes=-7") == .part(93..<100))
        #expect(range("bytes=-700") == .part(0..<100))
        #expect(range("bytes=99-1000") == .part(99..<100))
        #expect(range("bytes=0-18446744073709551616") == .part(0..<100))
        #expect(range("bytes=0-9223372036854775807") == .part(0..<100))
    }

    @Test(
        "What is not there cannot be satisfied, what is not understood is as if it were not there, and several are not for a cache"
    )
    func oddRanges() {
        for text in ["bytes=100-", "bytes=-0", "bytes=18446744073709551616-"] {
            #expect(range(text) == .unsatisfiable, "\(text)")
        }
        for text in [
            "bytes", "bytes=", "bytes=-", "bytes=b-c", "bytes=9-5", "lines=0-1", "=0-1", "bytes=1", "bytes=+1-2",
            "bytes=0x1-2",
        ] {
            #expect(range(text) == .whole, "\(text)")
        }
        for text in ["bytes=0-1,5-6", "bytes=0-1,", "bytes=,"] { #expect(range(text) == .several, "\(text)") }
    }

    @Test("A condition on the range that does not hold takes the range away, and HEAD has none")
    func conditions() {
        #expect(range("bytes=0-1", ifRange: "\"a\"") == .part(0..<2))
        for condition in ["\"b\"", "W/\"a\"", "a", "Sat, 28 Nov 2026 12:00:00 GMT"] {
            #expect(range("bytes=0-1", ifRange: condition) == .whole, "\(condition)")
        }
        #expect(range("bytes=0-1", method: .head) == .whole)
    }
}

struct SieveTests {
    @Test("The oldest that nobody asked for goes first, and what was asked for is passed over once")
    func order() {
        var sieve = Sieve<Int>()
        for key in 1...4 { sieve.insert(key) }
        var wanted: Set<Int> = [1, 3]
        func next() -> Int? { sieve.evict(passing: 100) { wanted.remove($0) != nil } }
        #expect(next() == 2)
        #expect(next() == 4)
        #expect(next() == 1)
        #expect(next() == 3)
        #expect(next() == nil)
    }

    @Test("A hand that finds nothing that may go comes to an end, at the latest after two rounds")
    func allKept() {
        var sieve = Sieve<Int>()
        for key in 0..<10 { sieve.insert(key) }
        var asked = 0
        #expect(
            sieve.evict(passing: 1000) { _ in
                asked += 1; return true
            } == nil)
        #expect(asked == 20)
        #expect(
            sieve.evict(passing: 3) { _ in
                asked += 1; return true
            } == nil)
        #expect(asked == 23)
    }

    @Test("Over random sequences the queue holds what was put in and not taken out")
    func random() {
        var generator = SystemRandomNumberGenerator()
        var sieve = Sieve<Int>()
        var present: Set<Int> = []
        for step in 0..<5000 {
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                sieve.insert(step % 97)
                present.insert(step % 97)
            case 1:
                let key = Int.random(in: 0..<97, using: &generator)
                sieve.remove(key)
                present.remove(key)
            default:
                if let gone = sieve.evict(passing: 50, isKept: { $0 % 3 == 0 }) {
                    #expect(present.remove(gone) != nil && gone % 3 != 0)
                }
            }
            #expect(sieve.count == present.count)
        }
    }
}

struct BlobFileTests {
    @Test(
        "The layout has a piece for each byte, and an index behind the last of them",
        arguments: [1, 4095, 4096, 4 << 20, (4 << 20) + 1, 1 << 40])
    func layout(size: Int) throws {
        let layout = try #require(BlobLayout(size: size))
        #expect(layout.range(of: layout.pieces - 1).upperBound == size)
        #expect(layout.headerOffset >= size && layout.headerOffset % 4096 == 0)
        #expect(layout.fileBytes == layout.headerOffset + 80 + 56 * layout.pieces)
        #expect(layout.piece(at: size - 1) == layout.pieces - 1)
    }

    @Test("No blob is empty or larger than can be counted")
    func bounds() {
        for size in [0, -1, (1 << 40) + 1, .max] { #expect(BlobLayout(size: size) == nil) }
    }

    @Test("A name is a SHA-256 in lower case, and a tag of the Hub's is strong")
    func names() {
        let hex = String(repeating: "ab", count: 32)
        #expect(BlobName(hex)?.part == 0xab && BlobName(etag: "\"\(hex)\"")?.hex == hex)
        for text in ["", "ab", hex.uppercased(), hex + "0", String(hex.dropLast()) + "g", "../" + hex.dropFirst(3)] {
            #expect(BlobName(text) == nil, "\(text)")
        }
        for tag in [hex, "W/\"\(hex)\"", "\"\(hex)", "\"\(hex)\"x", "\"\(String(repeating: "a", count: 40))\""] {
            #expect(BlobName(etag: tag) == nil, "\(tag)")
        }
    }

    private let temporary = TemporaryDirectory()

    private func directory() throws -> CacheDirectory {
        let directory = CacheDirectory(path: temporary.path + "/cache")
        try directory.make()
        return directory
    }

    @Test(
        "What is written into a blob is found by another who opens it, and a claim is seen by both until it is given back"
    )
    func shared() throws {
        let directory = try directory()
        let name = try #require(BlobName(String(repeating: "0c", count: 32)))
        let layout = try #require(BlobLayout(size: (8 << 20) + 5))
        let one = try BlobFile.open(name, layout, in: directory, now: 7)
        let other = try BlobFile.open(name, layout, in: directory, now: 8)
        #expect(one.claim(1) && one.claim(1) && !other.claim(1) && other.claim(2))
        #expect(other.isInUse && one.isInUse)
        one.release(1..<2)
        #expect(other.claim(1))
        #expect(one.entry(of: 1) == nil)
        let origin = BlobOrigin(Array(100..<132))
        let entry = PieceEntry(generation: 9, digest: Array(0..<32), origin: origin)
        try other.hold(1, entry)
        #expect(one.entry(of: 1) == entry && one.entry(of: 0) == nil)
        one.drop(1)
        #expect(other.entry(of: 1) == nil)
        other.countHit()
        #expect(one.header?.hits == 1 && one.header?.created == 7 && one.header?.size == (8 << 20) + 5)
        #expect(one.header?.origin == .several)
        try other.complete(from: origin)
        #expect(one.refresh() && one.isComplete && one.isLinked && one.origin == origin)
        #expect(try BlobFile.open(name, layout, in: directory, now: 9).isComplete)
        one.spoil()
        #expect(!other.refresh() && !other.isLinked)
        #expect(try !BlobFile.open(name, layout, in: directory, now: 9).isComplete)
    }

    @Test("A file that is none of ours, or of another size, is made anew")
    func strangers() throws {
        let directory = try directory()
        let name = try #require(BlobName(String(repeating: "1d", count: 32)))
        let layout = try #require(BlobLayout(size: 5000))
        for bytes in [[UInt8](repeating: 1, count: 100), [UInt8](repeating: 0, count: layout.fileBytes)] {
            let file = try StoredFile(directory.path(of: name, isComplete: false), .create)
            try file.resize(0)
            try file.write(bytes, at: 0)
            let blob = try BlobFile.open(name, layout, in: directory, now: 1)
            #expect(blob.layout == layout && blob.entry(of: 0) == nil && !blob.isComplete)
        }
        let other = try #require(BlobLayout(size: 5001))
        #expect(try BlobFile.open(name, other, in: directory, now: 1).layout == other)
    }

    @Test("One of another size stays where it is whole, and where it has content and the size is not the Hub's word")
    func sizes() throws {
        let directory = try directory()
        let name = try #require(BlobName(String(repeating: "2e", count: 32)))
        let (layout, other) = (try #require(BlobLayout(size: 200_000)), try #require(BlobLayout(size: 5)))
        func open(_ layout: BlobLayout, mayReplace: Bool) throws(FileError) -> BlobFile {
            try BlobFile.open(name, layout, in: directory, now: 1, mayReplace: mayReplace)
        }
        // Of which there is nothing but the index.
        _ = try open(other, mayReplace: false)
        var file = try open(layout, mayReplace: false)
        let bytes = [UInt8](repeating: 7, count: 200_000)
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(FileError) in try unsafe file.write(bytes, at: 0) }
        #expect(throws: FileError.self) { try open(other, mayReplace: false) }
        let stranger = try open(other, mayReplace: true)
        #expect(!file.isLinked && stranger.isLinked)
        file = try open(layout, mayReplace: true)
        try file.complete()
        for mayReplace in [false, true] { #expect(throws: FileError.self) { try open(other, mayReplace: mayReplace) } }
        // A file that has lost its name takes the name from no other file.
        stranger.spoil()
        #expect(file.isLinked)
        #expect(try open(layout, mayReplace: false).isComplete)
    }
}

struct CacheRoomTests {
    private let gib = 1 << 30

    @Test("A twentieth of the file system is left free, and 8 GiB at most")
    func reserve() {
        #expect(CacheRoom(total: 20 * gib, free: 20 * gib).reserve == gib)
        #expect(CacheRoom(total: 4000 * gib, free: 0).reserve == 8 * gib)
        #expect(CacheRoom(total: 0, free: 0).reserve == 0)
    }

    @Test("Files take what cache_size says, and no more than leaves the rest free, whoever has filled it")
    func limit() {
        let half = CacheRoom(total: 200 * gib, free: 100 * gib)
        #expect(half.limit(.bytes(50 * gib), taken: 10 * gib) == 50 * gib)
        #expect(half.limit(.share(80), taken: 10 * gib) == 102 * gib)
        #expect(half.limit(.share(80), taken: 90 * gib) == 160 * gib)
        #expect(half.limit(.share(100), taken: 100 * gib) == 192 * gib)
        // Others have all but 2 GiB of the rest.
        #expect(CacheRoom(total: 200 * gib, free: 2 * gib).limit(.share(100), taken: 30 * gib) == 24 * gib)
        #expect(CacheRoom(total: 200 * gib, free: 0).limit(.share(100), taken: gib) == 0)
        #expect(CacheRoom(total: .max, free: .max).limit(.bytes(gib), taken: .max) == gib)
    }

    @Test("With less than half of what is left free, nothing more is written")
    func short() {
        #expect(!CacheRoom(total: 200 * gib, free: 4 * gib).isShort)
        #expect(CacheRoom(total: 200 * gib, free: 4 * gib - 1).isShort)
        #expect(!CacheRoom(total: 0, free: 0).isShort)
    }
}

struct CacheMessageTests {
    @Test("What the processes of the file cache say to each other is read as it was written, and nothing else is")
    func messages() throws {
        let name = try #require(BlobName(String(repeating: "a1", count: 32)))
        for order in [
            SweepOrder.size(.bytes(1 << 40)), .size(.share(80)), .opened(name, isComplete: true),
            .opened(name, isComplete: false),
        ] {
            #expect(SweepOrder(order.bytes) == order)
            #expect(SweepOrder(Array(order.bytes.dropLast())) == nil)
        }
        let report = SweepReport(bytes: 1 << 50, files: 100_000, evictions: 7, fault: ENOSPC)
        #expect(SweepReport(report.message) == report && SweepReport([]) == nil)
        let request = try #require(DiskRequest(DiskRequest(number: 9, range: 5..<1 << 40).bytes))
        #expect(request.number == 9 && request.range == 5..<1 << 40)
        #expect(DiskRequest([1, 9, 5].messageBytes) == nil && DiskRequest([1, -9, 5].messageBytes) == nil)
        let answer = try #require(DiskAnswer(DiskAnswer(number: 3, error: FileError(EIO)).bytes))
        #expect(answer.number == 3 && answer.error?.code == EIO)
        #expect(DiskAnswer(DiskAnswer(number: 3, error: nil).bytes)?.error == nil)
    }
}
