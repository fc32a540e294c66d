import EventIO
import Glibc
import HTTP

/// The numbers themselves, in one flat block of memory that processes forked from this one share. Each worker has a region, in which it alone
/// writes; region 0 is for the process that reports on the gateway as a whole: the parent, or the only process.
///
/// Safe to share: each number is one aligned word, so a reader in another process sees it before or after a change.
@safe final class MetricSlots: @unchecked Sendable {
    /// Without region 0.
    let workers: Int
    private let slots: UnsafeMutableBufferPointer<UInt64>

    init(workers: Int = 0) {
        self.workers = workers
        let count = MetricsLayout.shared.count * (workers + 1)
        let bytes = count * MemoryLayout<UInt64>.stride
        let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != UnsafeMutableRawPointer(bitPattern: -1) else {
            preconditionFailure("no memory for the metrics")
        }
        // A fresh mapping holds zeros.
        unsafe slots = UnsafeMutableBufferPointer(
            start: memory.bindMemory(to: UInt64.self, capacity: count), count: count)
    }

    deinit {
        unsafe munmap(slots.baseAddress, slots.count * MemoryLayout<UInt64>.stride)
    }

    subscript(_ index: Int) -> UInt64 {
        get {
            precondition(unsafe slots.indices.contains(index))
            return unsafe slots[index]
        }
        set {
            precondition(unsafe slots.indices.contains(index))
            unsafe slots[index] = newValue
        }
    }

    /// Of a metric without labels in region 0.
    subscript(_ metric: Metric) -> UInt64 {
        get { self[MetricsLayout.shared.offsets[metric.rawValue]] }
        set { self[MetricsLayout.shared.offsets[metric.rawValue]] = newValue }
    }

    /// Adds to a series of a metric in region 0.
    func add(_ metric: Metric, at place: Int, _ count: UInt64) {
        self[MetricsLayout.shared.offsets[metric.rawValue] + place] &+= count
    }

    /// The slot's number in all regions together: counts add up, and so do gauges such as memory and connections.
    func sum(at slot: Int) -> UInt64 {
        (0...workers).reduce(0) { $0 &+ self[$1 * MetricsLayout.shared.count + slot] }
    }

    /// Of a metric without labels.
    func sum(of metric: Metric) -> UInt64 {
        sum(at: MetricsLayout.shared.offsets[metric.rawValue])
    }

    /// Sets the gauges of the gateway as a whole that do not change.
    func describe() {
        self[.buildInfo] = 1
        self[.startTime] = UInt64(clamping: WallClock.microseconds)
    }

    /// A worker has died: its gauges are no longer true. Its counters stay.
    func clearGauges(ofWorker number: Int) {
        for row in MetricsTable.all where row.kind == .gauge {
            let first = number * MetricsLayout.shared.count + MetricsLayout.shared.offsets[row.metric.rawValue]
            for slot in first..<first + row.series { self[slot] = 0 }
        }
    }
}
