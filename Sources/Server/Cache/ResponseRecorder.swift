import EventIO
import HTTP

/// A whole response that went to one client and can go to others.
struct RecordedResponse: Sendable {
    let status: Status
    var headers: Headers
    /// The content's length by the head; for a response to HEAD there is no content.
    let length: Int?
    var content: [UInt8] = []
}

/// Records a response, as long as it is small.
struct ResponseRecorder {
    /// The largest content that is recorded for requests that wait, in bytes.
    static let shared = 128 * 1024

    private(set) var response: RecordedResponse
    private let limit: Int

    /// Nil where the response has more than `limit` bytes, or does not end by itself.
    init?(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool, limit: Int) {
        guard isHead || length ?? 0 <= limit, !headers.isEventStream else { return nil }
        self.limit = limit
        response = RecordedResponse(status: status, headers: headers, length: length)
    }

    /// Whether there was room for them.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard response.content.count + bytes.count <= limit else { return false }
        unsafe response.content.append(contentsOf: bytes)
        return true
    }
}

extension Headers {
    fileprivate var isEventStream: Bool { self["Content-Type"]?.hasPrefix("text/event-stream") ?? false }
}

extension Exchange {
    /// Answers with a recorded response, under this request's own `id`.
    func send(_ recorded: RecordedResponse, _ context: RequestContext, id: IDField) {
        start(recorded.status, headers: recorded.headers, id: id, length: recorded.length)
        guard recorded.content.count <= RecordedSending.mostAtOnce || !takesContent else {
            return RecordedSending(recorded.content, to: self, context).start()
        }
        _ = unsafe recorded.content.withUnsafeBufferPointer { unsafe write($0) }
        finish()
    }
}
