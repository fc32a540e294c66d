import EventIO

/// A value of a line of the log, by name in the code; `LogFields` has the rest.
enum LogField: Int, CaseIterable, Sendable {
    case time, level, message
    case client, peer, method, path, query, status, duration, upstream, budget, bytes, key, requestID, hubRequestID
    case error, detail, end
    case agent, host, trace, span, flags
}

/// One row of the table: what a value is called in each format. Nil: that format does not have it.
struct LogFieldRow: Sendable {
    let field: LogField
    /// For the documentation.
    let meaning: String
    let json: StaticString?
    let ecs: StaticString?
    let otel: StaticString?

    init(_ field: LogField, _ meaning: String, json: StaticString?, ecs: StaticString?, otel: StaticString?) {
        self.field = field
        self.meaning = meaning
        self.json = json
        self.ecs = ecs
        self.otel = otel
    }

    func name(in form: LogEncoding) -> StaticString? {
        switch form {
        case .text, .json: json
        case .ecs: ecs
        case .otel: otel
        }
    }
}

/// THE table of the names of the log's values: ours, those of the Elastic Common Schema, and those of OpenTelemetry's semantic conventions.
/// Values that neither of them has are below `hubgate`.
enum LogFields {
    static let all = [
        LogFieldRow(.time, "UTC", json: "time", ecs: "@timestamp", otel: "timestamp"),
        LogFieldRow(
            .level, "of a line that the program says of itself", json: "level", ecs: "log.level", otel: "severity_text"),
        LogFieldRow(
            .message, "what it says; of a request its method and path", json: "message", ecs: "message", otel: "body"),
        LogFieldRow(.client, "the client's address", json: "client", ecs: "client.ip", otel: "client.address"),
        LogFieldRow(.peer, "that of who connected", json: "peer", ecs: "source.ip", otel: "network.peer.address"),
        LogFieldRow(
            .method, "the method", json: "method", ecs: "http.request.method", otel: "http.request.method"),
        LogFieldRow(.path, "the path; in our own form the query, too", json: "path", ecs: "url.path", otel: "url.path"),
        LogFieldRow(.query, "the query, without secrets", json: nil, ecs: "url.query", otel: "url.query"),
        LogFieldRow(
            .status, "the response's status", json: "status", ecs: "http.response.status_code",
            otel: "http.response.status_code"),
        LogFieldRow(
            .duration, "how long it took: in milliseconds, in nanoseconds, in seconds", json: "ms",
            ecs: "event.duration",
            otel: "http.server.request.duration"),
        LogFieldRow(
            .upstream, "how long the Hub took, in the same unit", json: "upstream_ms", ecs: "hubgate.upstream.duration",
            otel: "hubgate.upstream.duration"),
        LogFieldRow(
            .budget, "how long it waited for the Hub's rate limit, in the same unit", json: "budget_ms",
            ecs: "hubgate.budget.duration", otel: "hubgate.budget.duration"),
        LogFieldRow(
            .bytes, "bytes of content sent", json: "bytes", ecs: "http.response.body.bytes",
            otel: "http.response.body.size"),
        LogFieldRow(.key, "the gateway key's name", json: "key", ecs: "user.name", otel: "user.name"),
        LogFieldRow(
            .requestID, "the request's id", json: "request_id", ecs: "http.request.id", otel: "hubgate.request_id"),
        LogFieldRow(
            .hubRequestID, "the Hub's id", json: "hub_request_id", ecs: "hubgate.hub_request_id",
            otel: "hubgate.hub_request_id"),
        LogFieldRow(.error, "the code of an error of our own", json: "error", ecs: "error.code", otel: "error.type"),
        LogFieldRow(
            .detail, "what went wrong in an InternalError", json: "detail", ecs: "error.message",
            otel: "exception.message"),
        LogFieldRow(
            .end, "`cut`: the response did not go out whole", json: "end", ecs: "hubgate.end", otel: "hubgate.end"),
        LogFieldRow(
            .agent, "the client's User-Agent, up to 256 bytes", json: nil, ecs: "user_agent.original",
            otel: "user_agent.original"),
        LogFieldRow(.host, "the request's Host", json: nil, ecs: "url.domain", otel: "server.address"),
        LogFieldRow(.trace, "the trace that it is part of", json: nil, ecs: "trace.id", otel: "trace_id"),
        LogFieldRow(.span, "its own span, where traces are exported", json: nil, ecs: "span.id", otel: "span_id"),
        LogFieldRow(.flags, "the flags of the trace", json: nil, ecs: nil, otel: "trace_flags"),
    ]
}

/// The names of one format, in an array: finding one costs as much as a constant.
struct LogNames: Sendable {
    private let names: InlineArray<24, StaticString>

    init(_ form: LogEncoding) {
        let rows = LogFields.all
        precondition(
            rows.count == LogField.allCases.count && rows.count == 24, "the table of the log's names has a row for each"
        )
        names = InlineArray { place in
            rows.first { $0.field.rawValue == place }?.name(in: form) ?? ""
        }
    }

    subscript(field: LogField) -> StaticString { names[field.rawValue] }
}
