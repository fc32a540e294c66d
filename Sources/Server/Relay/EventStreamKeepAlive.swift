import EventIO
import HTTP

/// Sends a comment after each silence of a relayed event stream (HTML's text/event-stream), so that no proxy in between takes the
/// connection for dead while a model thinks. Only between two events, and only in streams without a length.
@EventLoop
final class EventStreamKeepAlive {
    /// Readers of event streams ignore it.
    private static let comment = Array(": keep-alive\n\n".utf8)

    private let exchange: Exchange
    private let silence: UInt64
    private var boundary = EventBoundary()
    private var spoke = MonotonicInstant.now
    /// One for the whole stream: it is not restarted at each event; when it fires it computes the time since the last one.
    private var timer: Timer?

    /// Nil if `head`, which has no length, does not begin an event stream, or begins one with a content coding. `silence` is in milliseconds.
    static func of(_ head: Transfer.Head, on exchange: Exchange, after silence: UInt64) -> EventStreamKeepAlive? {
        // Not in a failable initializer, which would allocate first.
        guard head.headers.mediaType == "text/event-stream", !head.headers.contains("Content-Encoding") else {
            return nil
        }
        return EventStreamKeepAlive(on: exchange, after: silence)
    }

    private init(on exchange: Exchange, after silence: UInt64) {
        self.exchange = exchange
        self.silence = silence
        timer = Timer { [weak self] in self?.look() }
        timer?.start(milliseconds: silence)
    }

    /// Bytes of the stream have been written to the client.
    func note(_ bytes: UnsafeBufferPointer<UInt8>) {
        boundary.note(unsafe bytes.span)
        spoke = .now
    }

    private func look() {
        guard !exchange.isGone else { return }
        let quiet = MonotonicInstant.now.milliseconds(since: spoke)
        guard quiet >= silence else {
            timer?.start(milliseconds: silence - quiet)
            return
        }
        // While bytes wait for the client there is no silence; inside an event its end has to come first.
        if boundary.isHere, exchange.queuedBytes == 0 {
            _ = unsafe Self.comment.withUnsafeBufferPointer { unsafe exchange.write($0) }
        }
        spoke = .now
        timer?.start(milliseconds: silence)
    }
}

/// Whether an event stream is between two events: at its beginning, or after a blank line.
struct EventBoundary {
    private enum Place {
        /// Nothing of the next event has come.
        case between
        case atLineStart
        case inLine
        /// After a CR, which an LF may follow. A stream with CR alone stays in this state.
        case afterCR(isBlank: Bool)
    }

    private var place = Place.between

    var isHere: Bool {
        if case .between = place { true } else { false }
    }

    mutating func note(_ bytes: Span<UInt8>) {
        // Bytes before the last line end do not matter.
        var start = bytes.count
        while start > 0, Self.isLineEnd(bytes[start - 1]) { start -= 1 }
        if start > 0 { place = .inLine }
        for index in start..<bytes.count { step(bytes[index]) }
    }

    private mutating func step(_ byte: UInt8) {
        let isLF = byte == UInt8(ascii: "\n")
        place =
            switch place {
            case .between, .atLineStart: isLF ? .between : .afterCR(isBlank: true)
            case .inLine: isLF ? .atLineStart : .afterCR(isBlank: false)
            case .afterCR(let isBlank): !isLF ? .afterCR(isBlank: true) : isBlank ? .between : .atLineStart
            }
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
