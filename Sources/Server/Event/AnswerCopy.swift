internal import Hub

/// Copies the answer that goes out at an exchange, for others who asked the same.
///
/// It gives up where waiting for the answer's end would cost the others more than a call of their own: when it is large, and when
/// the client at this exchange takes it slowly.
@EventLoop
final class AnswerCopy {
    /// The largest content that is copied, in bytes. Below what an exchange lets wait for its client.
    static let limit = 128 * 1024

    /// Called with the head. Nothing is copied if it says no.
    private let begins: @EventLoop (Status, Headers) -> Bool
    /// Called once, with the whole answer, or nil when the copy was given up.
    private var ends: (@EventLoop (CopiedAnswer?) -> Void)?
    private var answer: CopiedAnswer?

    init(
        begins: @escaping @EventLoop (Status, Headers) -> Bool, ends: @escaping @EventLoop (CopiedAnswer?) -> Void
    ) {
        self.begins = begins
        self.ends = ends
    }

    /// `length` is that of the content, if it is known.
    func start(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool) {
        guard isHead || length ?? 0 <= Self.limit, begins(status, headers) else { return end(nil) }
        answer = CopiedAnswer(status: status, headers: headers, length: length)
    }

    /// `queued` is how many bytes wait for the client.
    func take(_ bytes: UnsafeBufferPointer<UInt8>, queued: Int) {
        guard let count = answer?.content.count else { return }
        guard count + bytes.count <= Self.limit, queued <= Self.limit else { return end(nil) }
        unsafe answer?.content.append(contentsOf: bytes)
    }

    func finish() { end(answer) }

    private func end(_ answer: CopiedAnswer?) {
        self.answer = nil
        ends?(answer)
        ends = nil
    }
}
