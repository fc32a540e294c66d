import Glibc
import HTTP
import Hub
import Synchronization

/// Counts changes of repositories through this gateway, in memory that all workers share: a response that was fetched before a change is not given
/// out after it, by any of them.
///
/// Repositories share places by a hash of their names. So a change of one can cause another to be fetched again, and never the reverse.
@safe final class WriteEpochs: @unchecked Sendable {
    /// The counts at one moment.
    struct Mark: Equatable {
        fileprivate let place: Int
        fileprivate let ofPlace: UInt64
        fileprivate let ofUnknown: UInt64

        fileprivate init(place: Int, ofPlace: UInt64, ofUnknown: UInt64) {
            (self.place, self.ofPlace, self.ofUnknown) = (place, ofPlace, ofUnknown)
        }
    }

    fileprivate static let places = 4096
    /// The first two belong to no repository: they count changes of unknown repositories, and all changes.
    private static let (unknown, any, firstOfRepositories) = (0, 1, 2)

    private let counts: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        let bytes = Self.places * MemoryLayout<Atomic<UInt64>>.stride
        let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != UnsafeMutableRawPointer(bitPattern: -1) else {
            preconditionFailure("no memory for the counts of changes")
        }
        // A new mapping holds zeros, the counts of no changes.
        unsafe counts = memory.bindMemory(to: Atomic<UInt64>.self, capacity: Self.places)
    }

    deinit {
        unsafe munmap(counts, Self.places * MemoryLayout<Atomic<UInt64>>.stride)
    }

    /// To be taken before the Hub is asked. `repository`: nil for a response about many, such as a list, which any change may concern.
    func mark(_ repository: HubResource?) -> Mark {
        let place = repository.flatMap(Self.place) ?? Self.any
        return Mark(place: place, ofPlace: count(place), ofUnknown: count(Self.unknown))
    }

    /// Whether nothing that could concern it was changed since.
    func isCurrent(_ mark: Mark) -> Bool {
        count(mark.place) == mark.ofPlace && count(Self.unknown) == mark.ofUnknown
    }

    /// To be called before the client learns that the change was made. Nil: the repository is not known.
    func changed(_ repository: HubResource?) {
        guard let place = repository.flatMap(Self.place) else { return add(Self.unknown) }
        add(place)
        add(Self.any)
    }

    private func count(_ place: Int) -> UInt64 { unsafe counts[place].load(ordering: .acquiring) }

    private func add(_ place: Int) {
        unsafe counts[place].add(1, ordering: .acquiringAndReleasing)
    }

    /// By owner and name, in which the Hub ignores case. Without the kind: a change of one kind rarely concerns another's.
    private static func place(_ repository: HubResource) -> Int? {
        guard repository.form == .repo else { return nil }
        return repository.withBytes { owner, name in
            // FNV-1a, since it has to be the same in each process.
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for bytes in [Array(owner), [UInt8(ascii: "/")], Array(name)] {
                for byte in bytes { hash = (hash ^ UInt64(byte.asciiLowercased)) &* 0x100_0000_01b3 }
            }
            return firstOfRepositories + Int(hash % UInt64(places - firstOfRepositories))
        }
    }
}

/// Marks are passed from worker to worker.
extension WriteEpochs.Mark {
    var words: [UInt64] { [UInt64(place), ofPlace, ofUnknown] }

    /// Nil for words that are no mark.
    init?(words: [UInt64]) {
        guard words.count == 3, words[0] < WriteEpochs.places else { return nil }
        self.init(place: Int(words[0]), ofPlace: words[1], ofUnknown: words[2])
    }
}
