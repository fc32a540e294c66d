/// Keeps what is asked for more than once, within a number of bytes, by S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all
/// you need for cache eviction", SOSP 2023).
///
/// What is new goes into a small queue. It comes into the main queue only if it is asked for again while it is there, so that what passes by
/// once, such as a crawl, takes no more than a tenth. The keys of what left the small queue are remembered for a while: what comes back is
/// wanted. All is done in constant time, taken over many calls.
struct S3FIFO<Key: Hashable, Value> {
    private final class Entry {
        var value: Value
        var bytes: Int
        /// How often it was asked for since it was last looked at, at most `most`.
        var hits: UInt8 = 0
        var isInMain: Bool

        init(_ value: Value, bytes: Int, isInMain: Bool) {
            self.value = value
            self.bytes = bytes
            self.isInMain = isInMain
        }
    }

    private static var most: UInt8 { 3 }

    /// In bytes.
    private(set) var capacity: Int
    private(set) var bytes = 0
    private var smallBytes = 0
    private var entries: [Key: Entry] = [:]
    private var small = Queue<(key: Key, entry: Entry)>()
    private var main = Queue<(key: Key, entry: Entry)>()
    private var ghosts: Set<Key> = []
    private var ghostQueue = Queue<Key>()

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { entries.count }

    /// The value, which is asked for.
    func find(_ key: Key) -> Value? {
        guard let entry = entries[key] else { return nil }
        if entry.hits < Self.most { entry.hits += 1 }
        return entry.value
    }

    /// Keeps `value` in the place of what was there. Returns how many others had to go. What is larger than a tenth of the capacity is
    /// not kept: it would push out all that is new.
    @discardableResult
    mutating func insert(_ key: Key, _ value: Value, bytes size: Int) -> Int {
        guard size <= capacity / 10 else {
            remove(key)
            return 0
        }
        if let entry = entries[key] {
            count(entry, size - entry.bytes)
            (entry.value, entry.bytes) = (value, size)
        } else {
            let entry = Entry(value, bytes: size, isInMain: ghosts.remove(key) != nil)
            entries[key] = entry
            count(entry, size)
            if entry.isInMain { main.push((key, entry)) } else { small.push((key, entry)) }
        }
        return makeRoom()
    }

    mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        count(entry, -entry.bytes)
        // Its place in the queue is passed over when its turn comes, or here, when there are more of those than of others.
        if small.count + main.count > 2 * entries.count + 64 {
            small.keep { entries[$0.key] === $0.entry }
            main.keep { entries[$0.key] === $0.entry }
        }
    }

    /// Another bound from now on. Returns how many had to go.
    @discardableResult
    mutating func resize(_ capacity: Int) -> Int {
        self.capacity = capacity
        return makeRoom()
    }

    private mutating func count(_ entry: Entry, _ change: Int) {
        bytes += change
        if !entry.isInMain { smallBytes += change }
    }

    private mutating func makeRoom() -> Int {
        var gone = 0
        while bytes > capacity {
            let isFromSmall = smallBytes > capacity / 10 || main.isEmpty
            guard isFromSmall ? evictFromSmall(&gone) : evictFromMain(&gone) else { break }
        }
        return gone
    }

    /// Looks at the oldest. False: there is none.
    private mutating func evictFromSmall(_ gone: inout Int) -> Bool {
        guard let (key, entry) = small.pop() else { return false }
        guard entries[key] === entry else { return true }
        guard entry.hits == 0 else {
            count(entry, -entry.bytes)
            (entry.isInMain, entry.hits) = (true, 0)
            count(entry, entry.bytes)
            main.push((key, entry))
            return true
        }
        drop(key, entry, &gone)
        ghosts.insert(key)
        ghostQueue.push(key)
        // As many as there are entries: so the memory of it follows from the capacity.
        while ghostQueue.count > max(64, entries.count) {
            if let forgotten = ghostQueue.pop() { ghosts.remove(forgotten) }
        }
        return true
    }

    private mutating func evictFromMain(_ gone: inout Int) -> Bool {
        guard let (key, entry) = main.pop() else { return false }
        guard entries[key] === entry else { return true }
        if entry.hits > 0 {
            entry.hits -= 1
            main.push((key, entry))
        } else {
            drop(key, entry, &gone)
        }
        return true
    }

    private mutating func drop(_ key: Key, _ entry: Entry, _ gone: inout Int) {
        entries[key] = nil
        count(entry, -entry.bytes)
        gone += 1
    }
}

/// First in, first out.
private struct Queue<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }

    mutating func push(_ element: Element) { elements.append(element) }

    mutating func pop() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            elements[head] = nil
            head += 1
            if head > 32, head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }

    mutating func keep(where wanted: (Element) -> Bool) {
        elements = elements[head...].filter { $0.map(wanted) ?? false }
        head = 0
    }
}
