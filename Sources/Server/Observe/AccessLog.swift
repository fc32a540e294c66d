import EventIO
import HTTP
import Hub

/// One line a request on standard output: no token, and no secret of a query (`Target.loggable`).
@EventLoop
final class AccessLog {
    private let output: LogWriter
    private let form: LogEncoding
    var isOn: Bool

    init(output: LogWriter, form: LogEncoding, isOn: Bool = true) {
        self.output = output
        self.form = form
        self.isOn = isOn
    }

    /// Lines that the log's reader did not take in time.
    var droppedLines: Int { output.droppedLines }

    func note(_ exchange: Exchange, _ context: RequestContext, whole: Bool, microseconds: Int) {
        guard isOn else { return }
        var line = LogLine(form)
        line.add("time", plain: WallClock.now.iso8601)
        line.add("client", plain: context.address)
        line.add("peer", plain: exchange.peer)
        // The request parser lets only tokens through (RFC 9110 section 9.1), which hold nothing to escape.
        line.add("method", plain: exchange.request.method.rawValue)
        line.add("path", exchange.request.target.loggable)
        line.add("status", exchange.status?.code ?? 499)
        line.add("ms", milliseconds: microseconds)
        if let upstream = context.upstreamMicroseconds {
            line.add("upstream_ms", milliseconds: upstream)
        } else if form == .text {
            line.add("upstream_ms", "-")
        }
        if context.budgetMicroseconds > 0 { line.add("budget_ms", milliseconds: context.budgetMicroseconds) }
        line.add("bytes", exchange.sentBytes)
        if let key = context.principal.key { line.add("key", plain: key.name) }
        line.add("request_id", context.id)
        if let hubRequestID = context.hubRequestID {
            line.add("hub_request_id", hubRequestID)
        }
        if let failure = context.failure {
            line.add("error", failure.code)
            // The client is told nothing of a bug; here it has to be found.
            if failure.kind == .internalError { line.add("detail", failure.detail) }
        }
        if !whole {
            line.add("end", "cut")
        }
        output.write(line.finished())
    }
}
