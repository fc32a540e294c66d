import EventIO
import Glibc
import HTTP
import Logging
import Synchronization

/// swift-log's lines on standard error, in the same form as the access log.
///
/// Written at once: what the program says of itself is rare, and must not be lost when it ends.
struct GatewayLogHandler: LogHandler {
    /// Shared by all copies of the logger.
    let threshold: SharedLogLevel
    var metadata: Logger.Metadata = [:]
    let form: LogEncoding

    init(threshold: SharedLogLevel, form: LogEncoding) {
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

/// The least important level that is logged; a reload can change it for all loggers at once.
final class SharedLogLevel: Sendable {
    private let value: Mutex<Logger.Level>

    init(_ level: Logger.Level) {
        value = Mutex(level)
    }

    var level: Logger.Level {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

/// How log lines are written.
enum LogEncoding: Sendable {
    case text
    case json

    /// `auto` is text for a person at a terminal and JSON for everything else.
    init(_ format: LogFormat, isTerminal: Bool) {
        self =
            switch format {
            case .text: .text
            case .json: .json
            case .auto: isTerminal ? .text : .json
            }
    }
}

extension LogLevel {
    var level: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
