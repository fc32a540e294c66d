/// Chooses what is evicted: SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: "SIEVE is simpler than LRU", NSDI 2024). New items go to one end of a
/// queue, and stay where they are. A hand moves from the old to the new, passes over items that were asked for since it was there last, and takes
/// the first that was not.
struct Sieve<Key: Hashable> {
    private struct Neighbors {
        var older: Key?
        var newer: Key?
    }

    private var links: [Key: Neighbors] = [:]
    private var oldest: Key?
    private var newest: Key?
    private var hand: Key?

    var count: Int { links.count }

    mutating func insert(_ key: Key) {
        guard links[key] == nil else { return }
        links[key] = Neighbors(older: newest, newer: nil)
        if let newest { links[newest]?.newer = key }
        newest = key
        if oldest == nil { oldest = key }
    }

    mutating func remove(_ key: Key) {
        guard let link = links.removeValue(forKey: key) else { return }
        if hand == key { hand = link.newer }
        if let older = link.older { links[older]?.newer = link.newer } else { oldest = link.newer }
        if let newer = link.newer { links[newer]?.older = link.older } else { newest = link.older }
    }

    /// Takes the next item to be evicted out of the queue. `isKept` is asked for each item that the hand passes, and may forget what it knew; for the
    /// same item at most twice. Nil: none may go, or the hand has passed `most`.
    mutating func evict(passing most: Int, isKept: (Key) -> Bool) -> Key? {
        for _ in 0..<min(most, 2 * links.count) {
            guard let key = hand ?? oldest else { return nil }
            guard isKept(key) else {
                remove(key)
                return key
            }
            hand = links[key]?.newer
        }
        return nil
    }
}
