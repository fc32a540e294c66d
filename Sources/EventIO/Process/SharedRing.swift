import CEvent
import Glibc

/// Messages in memory that processes forked from this one share, each written over the oldest. No process waits for another. One that dies in
/// the middle of a message leaves nothing that another process takes as one: a message is given out only where its checksum is right, and it
/// was not overwritten.
///
/// The kernel allocates memory only for pages that are used.
@safe package final class SharedRing: @unchecked Sendable {
    /// The bytes before each message.
    private struct Head {
        var position: UInt64
        var length: UInt64
        var checksum: UInt64
        var unused: UInt64 = 0
    }

    /// Messages begin at multiples of it: the size of a cache line on most processors.
    package static let unit = 64
    private static let headBytes = MemoryLayout<Head>.size
    /// How often a position is tried that other processes change at the same moment.
    private static let attempts = 64

    /// In bytes.
    package let capacity: Int
    let memory: UnsafeMutableRawPointer
    /// How many bytes were ever reserved, and one round more, so that no position is 0.
    private let given = SharedWords(count: 1)
    private let seed: UInt64

    /// `capacity` in bytes, at least 4096. `seed` is secret, so that no text can be made that looks like a whole message.
    package init(capacity: Int, seed: UInt64) {
        self.capacity = capacity / Self.unit * Self.unit
        self.seed = seed
        precondition(self.capacity >= 4096)
        let memory = unsafe mmap(
            nil, self.capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != UnsafeMutableRawPointer(bitPattern: -1) else {
            preconditionFailure("no memory for \(capacity) shared bytes")
        }
        unsafe self.memory = memory
        given.store(0, UInt64(self.capacity))
    }

    deinit {
        unsafe munmap(memory, capacity)
    }

    /// The longest message, in bytes.
    package var longest: Int { capacity / 8 - Self.headBytes }

    /// Writes a message, and returns the position by which it is found from now on: a multiple of `unit`, greater than each before. Nil for one
    /// that is too long, or if too many other processes write.
    package func append(_ message: [UInt8]) -> UInt64? {
        guard message.count <= longest, let position = reserve(Self.headBytes + message.count) else { return nil }
        let head = Head(
            position: position, length: UInt64(message.count), checksum: checksum(of: message, at: position))
        let place = unsafe memory + Int(position % UInt64(capacity))
        unsafe place.storeBytes(of: head, as: Head.self)
        unsafe message.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe (place + Self.headBytes).copyMemory(from: start, byteCount: bytes.count)
        }
        return position
    }

    /// A copy of the message at that position; nil if it was overwritten, or is not whole.
    package func message(at position: UInt64) -> [UInt8]? {
        let offset = Int(position % UInt64(capacity))
        guard isThere(position), offset % Self.unit == 0, offset + Self.headBytes <= capacity else { return nil }
        let place = unsafe memory + offset
        // Read once: it may change at any moment.
        let head = unsafe place.load(as: Head.self)
        guard head.position == position, head.length <= UInt64(longest),
            offset + Self.headBytes + Int(head.length) <= capacity
        else { return nil }
        let length = Int(head.length)
        let message = unsafe [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            if let start = bytes.baseAddress {
                unsafe UnsafeMutableRawPointer(start).copyMemory(from: place + Self.headBytes, byteCount: length)
            }
            count = length
        }
        guard checksum(of: message, at: position) == head.checksum, isThere(position) else { return nil }
        return message
    }

    /// Whether the message there cannot have been overwritten.
    package func isThere(_ position: UInt64) -> Bool {
        let given = given.load(0)
        return position >= UInt64(capacity) && position < given && given - position <= UInt64(capacity)
    }

    /// Reserves room in one piece.
    private func reserve(_ bytes: Int) -> UInt64? {
        let size = UInt64((bytes + Self.unit - 1) / Self.unit * Self.unit)
        var known = given.load(0)
        for _ in 0..<Self.attempts {
            let rest = UInt64(capacity) - known % UInt64(capacity)
            let position = rest < size ? known + rest : known
            guard let found = given.exchange(0, known, for: position + size) else { return position }
            known = found
        }
        return nil
    }

    private func checksum(of message: [UInt8], at position: UInt64) -> UInt64 {
        unsafe message.withUnsafeBufferPointer { unsafe ce_checksum($0.baseAddress, $0.count, seed ^ position) }
    }
}
