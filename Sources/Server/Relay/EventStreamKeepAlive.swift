import EventIO
import HTTP

/// Sends a comment after each silence of a relayed stream of events (HTML's text/event-stream), so that no proxy in between takes the
/// connection for dead while a model thinks. Only between two events, and only where nobody counted the bytes before.
@EventLoop
final class EventStreamKeepAlive {
    /// Every reader of event streams drops it.
    private static let comment = Array(": keep-alive\n\n".utf8)

    private let exchange: Exchange
    private let silence: UInt64
    private var boundary = EventBoundary()
    private var spoke = MonotonicInstant.now
    /// One for the whole stream: it is not started anew at each event, but asks when it is over how long ago the last one was.
    private var timer: Timer?

    /// Nil if `head`, which has no length, is of no such stream, or of one with a coding. `silence` is in milliseconds.
    static func of(_ head: Transfer.Head, on exchange: Exchange, after silence: UInt64) -> EventStreamKeepAlive? {
        // Not in a failing initializer, which would allocate first.
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
        // With bytes that wait for the client nothing is silent; inside an event its end has to come first.
        if boundary.isHere, exchange.queuedBytes == 0 {
            _ = unsafe Self.comment.withUnsafeBufferPointer { unsafe exchange.write($0) }
        }
        spoke = .now
        timer?.start(milliseconds: silence)
    }
}

/// Whether a stream of events stands between two of them: at its beginning, or behind a blank line.
struct EventBoundary {
    private enum Place {
        /// Nothing of the next event has come.
        case between
        case atLineStart
        case inLine
        /// Behind a CR, of which an LF may be the other half. A stream with CR alone never gets farther.
        case behindCR(isBlank: Bool)
    }

    private var place = Place.between

    var isHere: Bool {
        if case .between = place { true } else { false }
    }

    mutating func note(_ bytes: Span<UInt8>) {
        // What is before the last line end tells nothing.
        var start = bytes.count
        while start > 0, Self.isLineEnd(bytes[start - 1]) { start -= 1 }
        if start > 0 { place = .inLine }
        for index in start..<bytes.count { step(bytes[index]) }
    }

    private mutating func step(_ byte: UInt8) {
        let isLF = byte == UInt8(ascii: "\n")
        place =
            switch place {
            case .between, .atLineStart: isLF ? .between : .behindCR(isBlank: true)
            case .inLine: isLF ? .atLineStart : .behindCR(isBlank: false)
            case .behindCR(let isBlank): !isLF ? .behindCR(isBlank: true) : isBlank ? .between : .atLineStart
            }
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
}
