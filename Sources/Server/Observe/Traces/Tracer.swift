import EventIO
import HTTP
import Hub

/// Begins the traces of requests, where they are exported.
@EventLoop
final class Tracer {
    private let queue: SpanQueue
    private let exporter: SpanExporter
    /// A trace is recorded where the 56 random bits of its id are at least this; nil: none is.
    private let threshold: UInt64?

    private static let randomBits: UInt64 = 1 << 56

    /// Nil: the settings name no receiver. `warn` gets lines for the log.
    init?(_ settings: Settings, metrics: Metrics, warn: @escaping (String) -> Void) {
        guard let endpoint = settings.otlpEndpoint else { return nil }
        queue = SpanQueue(opening: Self.opening(), closing: Array("]}]}]}".utf8))
        queue.onDrop = { metrics.add(.traceSpans, at: MetricLabels.SpanFate.dropped.rawValue, UInt64($0)) }
        exporter = SpanExporter(
            SpanExporter.Receiver(
                endpoint, headers: settings.otlpHeaders, trust: settings.authorities.map { .file($0) } ?? .system,
                nameServer: settings.nameServer?.description),
            from: queue, metrics: metrics, warn: warn)
        let share = settings.otlpSample.value
        threshold = share == 0 ? nil : UInt64((1 - share) * Double(Self.randomBits))
    }

    /// Nil: the client has begun a trace that is not recorded. Its `traceparent` then goes on unchanged.
    func begin(_ headers: Headers) -> RequestTrace? {
        guard let parent = TraceParent(headers) else {
            let id = TraceID.random()
            let isRecorded = threshold.map { id.low & (Self.randomBits - 1) >= $0 } ?? false
            return RequestTrace(id, parent: nil, state: nil, queue: isRecorded ? queue : nil)
        }
        guard parent.isSampled else { return nil }
        // A `tracestate` longer than every party has to accept (W3C Trace Context section 3.3.1.5) is left out of the spans: a part of it would mean nothing.
        let state = headers[TraceParent.stateField].flatMap { $0.utf8.count <= TraceParent.longestState ? $0 : nil }
        return RequestTrace(parent.trace, parent: parent.span, state: state, queue: queue)
    }

    /// Sets the proxy for exports from now on, the same as for calls to the Hub.
    func use(_ proxy: TransferPool.Proxy?) { exporter.use(proxy) }

    /// At the end: sends the waiting spans, for a moment at most.
    func stop() async { await exporter.stop() }

    /// At once.
    func close() { exporter.close() }

    /// What all spans have in common.
    private static func opening() -> [UInt8] {
        var instance = ByteBuffer(capacity: 32)
        instance.append(hex: UInt64.random(in: 0...UInt64.max))
        instance.append(hex: UInt64.random(in: 0...UInt64.max))
        let id = unsafe instance.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
        let attributes = [
            ("service.name", "hubgate"), ("service.version", Version.number), ("service.instance.id", id),
            ("telemetry.sdk.name", "hubgate"), ("telemetry.sdk.language", "swift"),
            ("telemetry.sdk.version", Version.number),
        ].map { #"{"key":"\#($0)","value":{"stringValue":"\#($1)"}}"# }
        return Array(
            (#"{"resourceSpans":[{"resource":{"attributes":["# + attributes.joined(separator: ",")
                + #"]},"scopeSpans":[{"scope":{"name":"hubgate","version":"\#(Version.number)"},"spans":["#).utf8)
    }
}
