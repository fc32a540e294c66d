import EventIO
import Glibc
import HTTP
import Logging
import Synchronization

/// swift-log's lines on standard error, in the same form as the access log.
///
/// Written at once: these lines are rare, and must not be lost when the program ends.
struct GatewayLogHandler: LogHandler {
    /// Shared by all copies of the logger.
    let threshold: SharedLogLevel
    var metadata: Logger.Metadata = [:]
    let form: LogEncoding
    private let names: LogNames

    init(threshold: SharedLogLevel, form: LogEncoding) {
        self.threshold = threshold
        self.form = form
        names = LogNames(form)
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
        line.add(names[.time], WallClock.iso8601Now)
        line.add(names[.level], event.level.rawValue)
        if form.isShared { line.add(constants: form.ofGateway(event.level)) }
        line.add(names[.message], sentence: event.message.description)
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
    /// JSON with the names of the Elastic Common Schema, or with those of OpenTelemetry.
    case ecs, otel

    /// `auto` is text for a person at a terminal and JSON for everything else.
    init(_ format: LogFormat, isTerminal: Bool) {
        self =
            switch format {
            case .text: .text
            case .json: .json
            case .ecs: .ecs
            case .otel: .otel
            case .auto: isTerminal ? .text : .json
            }
    }

    /// Whether the names are of a schema that several programs share.
    var isShared: Bool { self == .ecs || self == .otel }

    /// The same in each line of a request.
    var ofRequests: StaticString {
        self == .ecs
            ? #""log.level":"info","ecs.version":"8.17.0","service.name":"hubgate","event.dataset":"hubgate.access""#
            : #""severity_text":"INFO","severity_number":9,"service.name":"hubgate","event.name":"hubgate.access""#
    }

    /// The same in each line of the program itself. OpenTelemetry has numbers for levels (Logs Data Model, SeverityNumber).
    func ofGateway(_ level: Logger.Level) -> StaticString {
        guard self == .otel else {
            return #""ecs.version":"8.17.0","service.name":"hubgate","event.dataset":"hubgate.gateway""#
        }
        return switch level {
        case .trace: #""severity_number":1,"service.name":"hubgate""#
        case .debug: #""severity_number":5,"service.name":"hubgate""#
        case .info: #""severity_number":9,"service.name":"hubgate""#
        case .notice: #""severity_number":10,"service.name":"hubgate""#
        case .warning: #""severity_number":13,"service.name":"hubgate""#
        case .error: #""severity_number":17,"service.name":"hubgate""#
        case .critical: #""severity_number":21,"service.name":"hubgate""#
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
