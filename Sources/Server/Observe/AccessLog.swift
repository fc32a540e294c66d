import EventIO
import HTTP
import Hub

/// One line for each request on standard output: without tokens, and without secrets of a query (`Target.loggable`).
@EventLoop
final class AccessLog {
    private let output: LogWriter
    private let form: LogEncoding
    private let names: LogNames
    var isOn: Bool

    init(output: LogWriter, form: LogEncoding, isOn: Bool = true) {
        self.output = output
        self.form = form
        names = LogNames(form)
        self.isOn = isOn
    }

    /// Lines that the log's reader did not take in time.
    var droppedLines: Int { output.droppedLines }

    func note(_ exchange: Exchange, _ context: RequestContext, whole: Bool, microseconds: Int) {
        guard isOn else { return }
        var line = LogLine(form)
        line.add(names[.time], plain: WallClock.now.iso8601)
        if form.isShared { addConstants(of: exchange, to: &line) }
        line.add(names[.client], plain: context.address)
        line.add(names[.peer], plain: exchange.peer)
        // The request parser lets only tokens through (RFC 9110 section 9.1), which hold nothing to escape.
        line.add(names[.method], plain: exchange.request.method.rawValue)
        if form.isShared {
            addParts(of: exchange, context, to: &line)
        } else {
            line.add(names[.path], exchange.request.target.loggable)
        }
        line.add(names[.status], exchange.status?.code ?? 499)
        line.add(names[.duration], duration: microseconds)
        if let upstream = context.upstreamMicroseconds {
            line.add(names[.upstream], duration: upstream)
        } else if form == .text {
            line.add(names[.upstream], "-")
        }
        if context.budgetMicroseconds > 0 { line.add(names[.budget], duration: context.budgetMicroseconds) }
        line.add(names[.bytes], exchange.sentBytes)
        if let key = context.principal.key { line.add(names[.key], plain: key.name) }
        line.add(names[.requestID], context.id)
        if let hubRequestID = context.hubRequestID {
            line.add(names[.hubRequestID], hubRequestID)
        }
        if let failure = context.failure {
            line.add(names[.error], failure.code)
            // The client learns nothing of a bug; the log has it.
            if failure.kind == .internalError { line.add(names[.detail], failure.detail) }
        }
        if !whole {
            line.add(names[.end], "cut")
        }
        output.write(line.finished())
    }
}

/// What the formats of others need besides.
extension AccessLog {
    /// Bytes of a client's `User-Agent`.
    private static let longestAgent = 256

    /// Members that name the schema and kind of the line, and a sentence for people.
    private func addConstants(of exchange: Exchange, to line: inout LogLine) {
        line.add(constants: form.ofRequests)
        let request = exchange.request
        line.add(names[.message], sentence: "\(request.method.rawValue) \(parts(of: request).path)")
    }

    /// The target in its parts, the user agent, and the trace.
    private func addParts(of exchange: Exchange, _ context: RequestContext, to line: inout LogLine) {
        let request = exchange.request
        let (path, query) = parts(of: request)
        line.add(names[.path], path)
        if let query { line.add(names[.query], query) }
        if let host = request.headers["Host"] { line.add(names[.host], Self.name(host)) }
        if let agent = request.headers["User-Agent"] {
            line.add(
                names[.agent],
                String(agent.utf8.prefix(Self.longestAgent)) ?? String(agent.prefix(Self.longestAgent / 4)))
        }
        guard let parent = context.trace?.own ?? TraceParent(request.headers) else { return }
        line.add(names[.trace], hex: parent.trace.high, parent.trace.low)
        if context.trace != nil { line.add(names[.span], hex: parent.span) }
        if form == .otel { line.add(names[.flags], plain: parent.isSampled ? "01" : "00") }
    }

    private func parts(of request: Request) -> (path: String, query: String?) {
        let text = request.target.loggable
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (text, nil) }
        return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }

    /// Without the port.
    private static func name(_ host: String) -> String {
        HostPort(host).map { String($0.host) } ?? host
    }
}
