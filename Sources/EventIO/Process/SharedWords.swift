import Glibc
import Synchronization

/// Numbers of 64 bits in memory that processes forked from this one share, all 0 at first. Each is read and changed as a whole, by one
/// instruction, so no process waits for another, and one that dies leaves nothing half done.
///
/// The kernel allocates memory only for pages that are used: many words cost nothing while few are used.
@safe package final class SharedWords: @unchecked Sendable {
    package let count: Int
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    package init(count: Int) {
        self.count = count
        let memory = unsafe mmap(
            nil, count * MemoryLayout<UInt64>.stride, PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != UnsafeMutableRawPointer(bitPattern: -1) else {
            preconditionFailure("no memory for \(count) shared words")
        }
        // An atomic number is as long as its number, and 0 in a fresh mapping.
        unsafe words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(words), count * MemoryLayout<UInt64>.stride)
    }

    /// What another process wrote before it wrote this word is visible after this.
    package func load(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return unsafe words[index].load(ordering: .sequentiallyConsistent)
    }

    /// Replaces `old` by `new`. If another value is there, returns that instead.
    package func exchange(_ index: Int, _ old: UInt64, for new: UInt64) -> UInt64? {
        precondition(index >= 0 && index < count)
        let (isDone, found) = unsafe words[index].compareExchange(
            expected: old, desired: new, ordering: .sequentiallyConsistent)
        return isDone ? nil : found
    }

    /// Stores `new`, whatever was there.
    package func store(_ index: Int, _ new: UInt64) {
        precondition(index >= 0 && index < count)
        unsafe words[index].store(new, ordering: .relaxed)
    }
}
