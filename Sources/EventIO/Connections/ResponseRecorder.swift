package import HTTP

/// Copies the response that goes out at an exchange, for others who asked the same.
///
/// It gives up where waiting for the response's end would cost the others more than a call of their own: when it is large, and when
/// the client at this exchange takes it slowly.
@EventLoop
package final class ResponseRecorder {
    /// The largest content that is copied, in bytes. Below what an exchange lets wait for its client.
    package static let limit = 128 * 1024

    /// Called with the head. Nothing is copied if it says no.
    private let begins: @EventLoop (Status, Headers) -> Bool
    /// Called once, with the whole response, or nil when the copy was given up.
    private var ends: (@EventLoop (RecordedResponse?) -> Void)?
    private var answer: RecordedResponse?

    package init(
        begins: @escaping @EventLoop (Status, Headers) -> Bool, ends: @escaping @EventLoop (RecordedResponse?) -> Void
    ) {
        self.begins = begins
        self.ends = ends
    }

    /// `length` is that of the content, if it is known.
    package func start(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool) {
        guard isHead || length ?? 0 <= Self.limit, begins(status, headers) else { return end(nil) }
        answer = RecordedResponse(status: status, headers: headers, length: length)
    }

    /// `queued` is how many bytes wait for the client.
    package func take(_ bytes: UnsafeBufferPointer<UInt8>, queued: Int) {
        guard let count = answer?.content.count else { return }
        guard count + bytes.count <= Self.limit, queued <= Self.limit else { return end(nil) }
        unsafe answer?.content.append(contentsOf: bytes)
    }

    package func finish() { end(answer) }

    private func end(_ answer: RecordedResponse?) {
        self.answer = nil
        ends?(answer)
        ends = nil
    }
}

/// A whole response that went out at one exchange and can go out at others.
package struct RecordedResponse: Sendable {
    package let status: Status
    package let headers: Headers
    /// What the head said of the content's length; to HEAD it is all there is of the content.
    package let length: Int?
    package var content: [UInt8] = []
}

extension Exchange {
    /// Answers with what another was answered, and `id` in the place of the other's.
    package func send(_ answer: RecordedResponse, id: IDField) {
        start(answer.status, headers: answer.headers, id: id, length: answer.length)
        _ = unsafe answer.content.withUnsafeBufferPointer { unsafe write($0) }
        finish()
    }
}
