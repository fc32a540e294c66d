/// Keeps values that are asked for more than once, within a number of bytes, by S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all
/// you need for cache eviction", SOSP 2023).
///
/// A new value goes into a small queue. It moves into the main queue only if it is asked for again while it is there, so that a scan, such as
/// a crawl, takes no more than a tenth. The digests of keys that left the small queue are remembered for a while: a value that comes
/// back is wanted.
///
/// No call takes more than `mostSteps` steps, whatever the cache holds: so it may exceed its aim for a moment, by one value at most.
struct S3FIFO<Key: Hashable, Value> {
    /// A value's place, or a free one. Queues are lists of them, so that what is removed leaves its queue at once.
    private struct Slot {
        var key: Key?
        var value: Value?
        var bytes = 0
        /// How often it was asked for since it was last looked at, at most `mostHits`.
        var hits: UInt8 = 0
        var isInMain = false
        var newer: Int32 = S3FIFO.none
        var older: Int32 = S3FIFO.none
    }

    private struct Queue {
        var oldest: Int32 = S3FIFO.none
        var newest: Int32 = S3FIFO.none
        var bytes = 0
    }

    private static var none: Int32 { -1 }
    private static var mostHits: UInt8 { 3 }
    static var mostSteps: Int { 64 }

    /// In bytes: never more.
    private(set) var capacity: Int
    private var places: [Key: Int32] = [:]
    private var slots: [Slot] = []
    private var free: [Int32] = []
    private var small = Queue()
    private var main = Queue()
    private var ghosts = GhostSet()

    init(capacity: Int) {
        self.capacity = capacity
    }

    var count: Int { places.count }
    var bytes: Int { small.bytes + main.bytes }
    /// The largest value that is kept, in bytes: a larger one would push out all new ones.
    var largest: Int { capacity / 10 }
    /// The size that `trim` comes back to: one more value of the largest size still fits into the capacity.
    private var aim: Int { capacity - largest }
    /// Whether `trim` has work to do.
    var isOver: Bool { bytes > aim }

    /// Finds a value, and counts the request for it.
    mutating func find(_ key: Key) -> Value? {
        guard let place = places[key].map({ Int($0) }) else { return nil }
        if slots[place].hits < Self.mostHits { slots[place].hits += 1 }
        return slots[place].value
    }

    /// Keeps `value` in the place of the one before. Returns how many others had to go. A value that is too large is not kept, nor is any while
    /// there is no room yet; the one before is removed in either case.
    @discardableResult
    mutating func insert(_ key: Key, _ value: Value, bytes size: Int) -> Int {
        guard size <= largest else {
            remove(key)
            return 0
        }
        let gone = trim()
        guard !isOver else {
            remove(key)
            return gone
        }
        if let place = places[key].map({ Int($0) }) {
            count(size - slots[place].bytes, inMain: slots[place].isInMain)
            (slots[place].value, slots[place].bytes) = (value, size)
        } else {
            let place = takeSlot()
            let isWanted = ghosts.remove(key.hashValue)
            slots[Int(place)] = Slot(key: key, value: value, bytes: size)
            places[key] = place
            append(place, toMain: isWanted)
        }
        return gone
    }

    mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        unlink(place)
        slots[Int(place)] = Slot()
        free.append(place)
    }

    /// Sets another capacity; call `trim` until it holds.
    mutating func resize(_ capacity: Int) {
        self.capacity = capacity
    }

    /// Removes some values towards the aim. Returns how many.
    @discardableResult
    mutating func trim() -> Int {
        var (gone, steps) = (0, 0)
        while isOver, steps < Self.mostSteps {
            steps += 1
            let isFromSmall = small.bytes > aim / 10 || main.oldest == Self.none
            gone += isFromSmall ? lookAtSmall() : lookAtMain()
        }
        return gone
    }

    /// Takes the oldest of the small queue: it goes, or moves into the main queue. Returns how many went.
    private mutating func lookAtSmall() -> Int {
        let place = small.oldest
        guard place != Self.none else { return 0 }
        guard slots[Int(place)].hits == 0 else {
            unlink(place)
            slots[Int(place)].hits = 0
            append(place, toMain: true)
            return 0
        }
        if let key = slots[Int(place)].key {
            // No more than there are values: so the memory for it follows from the capacity.
            ghosts.insert(key.hashValue, most: max(64, places.count))
        }
        drop(place)
        return 1
    }

    private mutating func lookAtMain() -> Int {
        let place = main.oldest
        guard slots[Int(place)].hits > 0 else {
            drop(place)
            return 1
        }
        slots[Int(place)].hits -= 1
        unlink(place)
        append(place, toMain: true)
        return 0
    }

    private mutating func drop(_ place: Int32) {
        if let key = slots[Int(place)].key { remove(key) }
    }
}

// MARK: the lists

extension S3FIFO {
    private mutating func takeSlot() -> Int32 {
        if let place = free.popLast() { return place }
        slots.append(Slot())
        return Int32(slots.count - 1)
    }

    private mutating func count(_ bytes: Int, inMain: Bool) {
        if inMain { main.bytes += bytes } else { small.bytes += bytes }
    }

    private mutating func append(_ place: Int32, toMain: Bool) {
        let before = toMain ? main.newest : small.newest
        slots[Int(place)].isInMain = toMain
        (slots[Int(place)].older, slots[Int(place)].newer) = (before, Self.none)
        if before != Self.none { slots[Int(before)].newer = place }
        if toMain {
            main.newest = place
            if before == Self.none { main.oldest = place }
        } else {
            small.newest = place
            if before == Self.none { small.oldest = place }
        }
        count(slots[Int(place)].bytes, inMain: toMain)
    }

    private mutating func unlink(_ place: Int32) {
        let (older, newer, isInMain) = (
            slots[Int(place)].older, slots[Int(place)].newer, slots[Int(place)].isInMain
        )
        if older != Self.none { slots[Int(older)].newer = newer }
        if newer != Self.none { slots[Int(newer)].older = older }
        if isInMain {
            if main.oldest == place { main.oldest = newer }
            if main.newest == place { main.newest = older }
        } else {
            if small.oldest == place { small.oldest = newer }
            if small.newest == place { small.newest = older }
        }
        count(-slots[Int(place)].bytes, inMain: isInMain)
    }
}

/// Digests of keys that went a while ago. Two keys with the same digest count as one; at worst a value gets into the wrong queue.
private struct GhostSet {
    private var digests: Set<Int> = []
    private var order: [Int] = []
    private var first = 0

    /// Forgets the oldest, a few at a time, while there are more than `most`.
    mutating func insert(_ digest: Int, most: Int) {
        guard digests.insert(digest).inserted else { return }
        order.append(digest)
        var steps = 0
        while order.count - first > most, steps < 4 {
            digests.remove(order[first])
            first += 1
            steps += 1
        }
        guard first > 1024, first * 2 > order.count else { return }
        order.removeFirst(first)
        first = 0
    }

    mutating func remove(_ digest: Int) -> Bool { digests.remove(digest) != nil }
}
