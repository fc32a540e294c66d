import Testing

@testable import Server

@Suite("What is kept within a bound")
struct S3FIFOTests {
    @Test("It never holds more than its bound, and gives back what was put in last, whatever is done to it")
    func oracle() {
        var generator = SplitMix(seed: 7)
        for _ in 0..<30 {
            let capacity = Int.random(in: 100...5000, using: &generator)
            var cache = S3FIFO<Int, Int>(capacity: capacity)
            var last: [Int: (value: Int, bytes: Int)] = [:]
            for step in 0..<3000 {
                let key = Int.random(in: 0..<80, using: &generator)
                switch Int.random(in: 0..<10, using: &generator) {
                case 0: cache.remove(key); last[key] = nil
                case 1...5:
                    let bytes = Int.random(in: 1...max(1, capacity / 8), using: &generator)
                    cache.insert(key, step, bytes: bytes)
                    last[key] = bytes <= capacity / 10 ? (step, bytes) : nil
                default:
                    if let found = cache.find(key) { #expect(found == last[key]?.value) }
                }
                #expect(cache.bytes <= capacity && cache.bytes >= 0)
            }
            let held = (0..<80).filter { cache.find($0) != nil }
            #expect(held.count == cache.count)
            #expect(held.reduce(0) { $0 + (last[$1]?.bytes ?? 0) } == cache.bytes)
            cache.resize(0)
            while cache.isOver { #expect(cache.trim() <= S3FIFO<Int, Int>.mostSteps) }
            #expect(cache.bytes == 0 && cache.count == 0)
        }
    }

    @Test("What is asked for again outlives a crawl ten times the size of all")
    func crawl() {
        var cache = S3FIFO<Int, Int>(capacity: 1000)
        for key in 0..<50 { cache.insert(key, key, bytes: 10) }
        for key in 0..<50 { #expect(cache.find(key) == key) }
        for key in 1000..<2000 {
            cache.insert(key, key, bytes: 10)
            _ = cache.find(key % 50)
        }
        let kept = (0..<50).count { cache.find($0) != nil }
        #expect(kept == 50)
    }

    @Test("What came back soon after it had to go stays longer than what is new")
    func ghosts() {
        var cache = S3FIFO<Int, Int>(capacity: 1000)
        cache.insert(1, 1, bytes: 50)
        for key in 100..<130 { cache.insert(key, key, bytes: 50) }
        #expect(cache.find(1) == nil)
        cache.insert(1, 1, bytes: 50)
        for key in 200..<230 { cache.insert(key, key, bytes: 50) }
        #expect(cache.find(1) == 1)
    }

    @Test("What is larger than a tenth of the bound is not kept, and what had its key is not either")
    func large() {
        var cache = S3FIFO<Int, Int>(capacity: 1000)
        cache.insert(1, 1, bytes: 100)
        cache.insert(1, 2, bytes: 101)
        #expect(cache.find(1) == nil && cache.bytes == 0)
    }

    @Test("What is removed is let go at once, and no call takes long, however much was asked for again")
    func bounded() {
        final class Content {}
        var cache = S3FIFO<Int, Content>(capacity: 1_000_000)
        weak var removed: Content?
        do {
            let content = Content()
            removed = content
            cache.insert(0, content, bytes: 10)
        }
        cache.remove(0)
        #expect(removed == nil)
        for key in 1..<60_000 { cache.insert(key, Content(), bytes: 10) }
        for _ in 0..<4 { for key in 1..<60_000 { _ = cache.find(key) } }
        // All were asked for often: to make room each has to be looked at up to four times.
        cache.resize(1000)
        var turns = 0
        while cache.isOver {
            #expect(cache.trim() <= S3FIFO<Int, Content>.mostSteps)
            turns += 1
        }
        #expect(turns > 1000 && cache.bytes <= 1000)
        let before = cache.bytes
        #expect(
            cache.insert(-1, Content(), bytes: 100) <= S3FIFO<Int, Content>.mostSteps && cache.bytes <= before + 100)
    }

    @Test("Where there is no room yet, what is new is not kept, and what had its key is gone")
    func noRoomYet() {
        var cache = S3FIFO<Int, Int>(capacity: 100_000)
        for key in 0..<9000 { cache.insert(key, key, bytes: 10) }
        cache.resize(1000)
        cache.insert(8999, -1, bytes: 10)
        cache.insert(-1, -1, bytes: 10)
        #expect(cache.find(8999) == nil && cache.find(-1) == nil)
    }

    @Test("Keys that come and go leave nothing behind")
    func removed() {
        var cache = S3FIFO<Int, Int>(capacity: 1_000_000)
        for key in 0..<200_000 {
            cache.insert(key, key, bytes: 10)
            cache.remove(key)
        }
        #expect(cache.bytes == 0 && cache.count == 0)
    }
}
