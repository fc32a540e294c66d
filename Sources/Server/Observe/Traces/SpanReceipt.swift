import EventIO
import HTTP
import Hub

/// The response of a receiver of traces: bounded in bytes and time, since the receiver is not trusted.
@EventLoop
final class SpanReceipt: TransferSink {
    /// The receiver's word on a batch.
    enum Verdict {
        /// Accepted, except for so many spans. The text is the receiver's own.
        case taken(rejected: Int, String)
        /// To be sent again: after so many seconds, if the receiver says so.
        case notNow(String, after: Int?)
        case never(String)
    }

    private static let mostBytes = 64 << 10
    /// In milliseconds, from the call to its end.
    private static let patience: UInt64 = 10_000
    /// Statuses after which it may be sent again (OTLP specification, section OTLP/HTTP Response, Retryable Response Codes).
    private static let retryable = [429, 502, 503, 504]

    private let done: @EventLoop @Sendable (Verdict) -> Void
    private var head: Transfer.Head?
    private var body: [UInt8] = []
    private var isTooLong = false
    private var isLate = false
    private var timer: Timer?
    private weak var transfer: Transfer?

    init(_ done: @escaping @EventLoop @Sendable (Verdict) -> Void) {
        self.done = done
    }

    /// Ends the call where it takes too long.
    func watch(_ transfer: Transfer) {
        self.transfer = transfer
        timer = Timer { [weak self] in
            self?.isLate = true
            self?.transfer?.cancel()
        }
        timer?.start(milliseconds: Self.patience)
    }

    func begin(_ head: Transfer.Head) { self.head = head }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isTooLong else { return true }
        if body.count + bytes.count > Self.mostBytes {
            isTooLong = true
            // Not within the transfer's callback.
            EventLoop.post { self.transfer?.cancel() }
        } else {
            unsafe body.append(contentsOf: bytes)
        }
        return true
    }

    func end(_ outcome: Result<Void, TransferError>) {
        timer = nil
        let verdict = verdict(outcome)
        EventLoop.post { [done] in done(verdict) }
    }

    private func verdict(_ outcome: Result<Void, TransferError>) -> Verdict {
        guard !isTooLong else { return .never("it answers more than \(Self.mostBytes >> 10) KiB") }
        guard !isLate else { return .notNow("it did not answer within \(Self.patience / 1000) seconds", after: nil) }
        if case .failure(let error) = outcome { return .notNow(Self.text(error), after: nil) }
        guard let head else { return .notNow("it ended before its head", after: nil) }
        let code = head.status.code
        if head.status.isSuccess { return taken() }
        if Self.retryable.contains(code) {
            return .notNow("it answered \(code)", after: head.headers["Retry-After"].flatMap { Int($0) })
        }
        let hint = head.status.isRedirect ? ", and a redirect is not followed: give the address that it leads to" : ""
        return .never("it answered \(code)\(hint)")
    }

    /// `ExportTraceServiceResponse`. A response that is empty or cannot be read means that all was accepted.
    private func taken() -> Verdict {
        guard !body.isEmpty,
            let json = try? JSON.parse(body, within: JSONLimits(bytes: Self.mostBytes, depth: 8, values: 256)),
            let partial = json["partialSuccess"]
        else { return .taken(rejected: 0, "") }
        // A number of 64 bits is a string in protobuf's JSON, and some write a number all the same.
        let count = partial["rejectedSpans"].flatMap {
            $0.stringValue.flatMap { Int($0) } ?? $0.integerValue.map { Int($0) }
        }
        let message = String((partial["errorMessage"]?.stringValue ?? "").prefix(200))
        return .taken(rejected: max(0, count ?? 0), message)
    }

    private static func text(_ error: TransferError) -> String {
        switch error {
        case .unreachable(let reason), .proxy(_, let reason), .tooSlow(let reason), .broken(let reason): reason
        case .cancelled, .closing: "the gateway ends"
        }
    }
}
