import EventIO

/// The connection to the process that makes room in `cache_dir`, from the one worker that has started it.
@EventLoop
final class SweepLink {
    private let channel: FileChannel
    private let metrics: Metrics
    private let warn: (String) -> Void
    private var watch: DescriptorWatch?
    private var evictions = 0
    private var fault: Int32 = 0

    init(_ channel: FileChannel, metrics: Metrics, warn: @escaping (String) -> Void) {
        self.channel = channel
        self.metrics = metrics
        self.warn = warn
        watch = DescriptorWatch(channel.descriptor, readable: { [weak self] in self?.receive() }, writable: {})
    }

    /// A message that does not fit is dropped: the sweeper finds all files by itself, too.
    @discardableResult
    func say(_ order: SweepOrder) -> Bool { channel.send(order.bytes) }

    private func receive() {
        while true {
            switch channel.receive() {
            case .none: return
            case .ended: return end()
            case .message(let bytes, _):
                guard let report = SweepReport(bytes) else { continue }
                metrics.set(.fileCacheBytes, to: report.bytes)
                metrics.set(.fileCacheFiles, to: report.files)
                metrics.add(.fileCacheEvictions, UInt64(max(0, report.evictions - evictions)))
                evictions = report.evictions
                if report.fault != 0, report.fault != fault {
                    warn("cache_dir: a file cannot be removed to make room for others: \(FileError(report.fault)).")
                }
                fault = report.fault
            }
        }
    }

    private func end() {
        EventLoop.post { self.watch = nil }
        warn(
            "The process that makes room in cache_dir has ended: until a restart nothing goes to make room for other files."
        )
    }
}
