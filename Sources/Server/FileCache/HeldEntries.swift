import EventIO
import Glibc

/// The files and folders of a commit, in two pieces of memory however many there are: freeing 200,000 separate objects would take longer than a turn of
/// the loop. A field that is read often can be read alone.
struct HeldEntries: RandomAccessCollection, Sendable {
    private struct Record: Sendable {
        /// Of the path in `paths`.
        let start: UInt32
        let count: UInt32
        let size: Int
        let oid: GitHash
        var place: HeldEntry.Place
        var named: BlobName?

        var content: BlobName? { place == .pointer ? nil : named }
    }

    private static let noHash = String(repeating: "0", count: 40)

    private var paths: [UInt8] = []
    private var records: [Record] = []

    init() {}

    /// Sorted.
    init(_ entries: some Sequence<HeldEntry>) {
        for entry in entries { append(entry) }
        records = records.sorted { precedes($0, $1) }
    }

    var startIndex: Int { 0 }
    var endIndex: Int { records.count }

    subscript(index: Int) -> HeldEntry {
        let record = records[index]
        return HeldEntry(
            path: path(at: index), size: record.size, oid: record.oid.hex, place: record.place, content: record.named)
    }

    func path(at index: Int) -> String { String(decoding: bytes(of: records[index]), as: UTF8.self) }
    func size(at index: Int) -> Int { records[index].size }
    func place(at index: Int) -> HeldEntry.Place { records[index].place }
    func oid(at index: Int) -> GitHash { records[index].oid }
    func content(at index: Int) -> BlobName? { records[index].content }
    func named(at index: Int) -> BlobName? { records[index].named }

    /// Of a file of git.
    mutating func setContent(_ content: BlobName?, at index: Int) { records[index].named = content }

    /// The content that a pointer names was fetched from this repository's store, or its store has shown to have it.
    mutating func setFetched(at index: Int) { records[index].place = .store }

    /// Appends an entry after the others, whatever its path. An `oid` that is no name in git is dropped.
    mutating func append(_ entry: HeldEntry) {
        guard let oid = GitHash(entry.oid) ?? GitHash(Self.noHash) else { return }
        let start = paths.count
        paths.append(contentsOf: entry.path.utf8)
        records.append(
            Record(
                start: UInt32(start), count: UInt32(paths.count - start), size: entry.size, oid: oid,
                place: entry.place,
                named: entry.named))
    }

    mutating func reserve(_ count: Int) { records.reserveCapacity(count) }

    /// Whether an entry's path is before another path, by their bytes: git distinguishes texts that Swift takes as equal.
    func isPath(at index: Int, before path: String.UTF8View) -> Bool {
        bytes(of: records[index]).lexicographicallyPrecedes(path)
    }

    /// Whether the entry has the same path as the one before it, where they are sorted.
    func isTwin(at index: Int) -> Bool { index > 0 && !precedes(records[index - 1], records[index]) }

    private func bytes(of record: Record) -> ArraySlice<UInt8> {
        paths[Int(record.start)..<Int(record.start) + Int(record.count)]
    }

    private func precedes(_ one: Record, _ other: Record) -> Bool {
        unsafe paths.withUnsafeBufferPointer { all in
            guard let base = all.baseAddress else { return false }
            let order = unsafe memcmp(
                base + Int(one.start), base + Int(other.start), Int(Swift.min(one.count, other.count)))
            return order != 0 ? order < 0 : one.count < other.count
        }
    }
}

extension HeldEntries: Equatable {
    static func == (left: HeldEntries, right: HeldEntries) -> Bool { left.elementsEqual(right) }
}

// MARK: sorting in turns

extension HeldEntries {
    private static let blockCount = 256

    /// Sorts them, a part in each turn of the loop: small blocks first, which are then merged where they are not in order already.
    @EventLoop
    mutating func sort(_ share: inout TurnShare) async {
        for start in stride(from: 0, to: records.count, by: Self.blockCount) {
            let block = records[start..<Swift.min(records.count, start + Self.blockCount)].sorted { precedes($0, $1) }
            for (offset, record) in block.enumerated() { records[start + offset] = record }
            await share.pause()
        }
        var width = Self.blockCount
        while width < records.count {
            var merged: [Record] = []
            merged.reserveCapacity(records.count)
            for start in stride(from: 0, to: records.count, by: 2 * width) {
                let middle = Swift.min(records.count, start + width)
                await merge(start..<middle, middle..<Swift.min(records.count, middle + width), into: &merged, &share)
            }
            records = merged
            width *= 2
        }
    }

    @EventLoop
    private func merge(
        _ left: Range<Int>, _ right: Range<Int>, into merged: inout [Record], _ share: inout TurnShare
    ) async {
        var (one, other) = (left.lowerBound, right.lowerBound)
        while one < left.upperBound || other < right.upperBound {
            for _ in 0..<Self.blockCount where one < left.upperBound || other < right.upperBound {
                let takesOther =
                    one == left.upperBound || other < right.upperBound && precedes(records[other], records[one])
                merged.append(records[takesOther ? other : one])
                if takesOther { other += 1 } else { one += 1 }
            }
            await share.pause()
        }
    }
}
