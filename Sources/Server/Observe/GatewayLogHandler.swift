internal import Logging
internal import Glibc

/// swift-log's lines on standard error, in the same form as the access log.
///
/// Written at once: what the program says of itself is rare, and must not be lost when it ends.
struct GatewayLogHandler: LogHandler {
    /// Shared by all copies of the logger.
    let threshold: LogThreshold
    var metadata: Logger.Metadata = [:]
    let form: LogForm

    init(threshold: LogThreshold, form: LogForm) {
        self.threshold = threshold
        self.form = form
    }

    var logLevel: Logger.Level {
        get { threshold.level }
        nonmutating set { threshold.level = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = LogLine(form)
        line.add("time", WallClock.iso8601Now)
        line.add("level", event.level.rawValue)
        line.add("message", sentence: event.message.description)
        var bytes = line.finished()
        bytes.append(UInt8(ascii: "\n"))
        _ = unsafe bytes.withBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
