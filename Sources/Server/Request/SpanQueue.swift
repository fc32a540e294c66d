import EventIO

/// Spans that have ended and wait to be exported: bounded in number and bytes. Spans beyond that are dropped and counted.
@EventLoop
final class SpanQueue {
    /// The spans of one export.
    struct Batch {
        let body: [UInt8]
        let count: Int
    }

    static let batchCount = 512
    private static let batchBytes = 1 << 20
    private static let mostCount = 4096
    private static let mostBytes = 8 << 20

    /// The text before and after the spans of an export.
    private let opening: [UInt8]
    private let closing: [UInt8]
    private var open = ByteBuffer(capacity: 4096)
    private var openCount = 0
    private var full: [Batch] = []
    private var fullBytes = 0
    private var fullCount = 0
    /// Called when a span is added. Nothing may be exported from within.
    var onSpan: (@EventLoop (_ batchIsFull: Bool) -> Void)?
    /// Called with the number of dropped spans.
    var onDrop: (@EventLoop (Int) -> Void)?

    init(opening: [UInt8], closing: [UInt8]) {
        self.opening = opening
        self.closing = closing
    }

    var isEmpty: Bool { openCount == 0 && full.isEmpty }
    /// Whether there are enough for an export before its time.
    var hasFullBatch: Bool { !full.isEmpty }

    func append(_ span: consuming ByteBuffer) {
        guard fullCount + openCount < Self.mostCount, fullBytes + open.count + span.count < Self.mostBytes else {
            onDrop?(1)
            return
        }
        if openCount > 0 { open.append(UInt8(ascii: ",")) }
        open.append(span)
        openCount += 1
        let isFull = openCount == Self.batchCount || open.count >= Self.batchBytes
        if isFull { close() }
        onSpan?(isFull)
    }

    /// The oldest; nil: there is none.
    func take() -> Batch? {
        if full.isEmpty, openCount > 0 { close() }
        guard !full.isEmpty else { return nil }
        let batch = full.removeFirst()
        fullBytes -= batch.body.count
        fullCount -= batch.count
        return batch
    }

    private func close() {
        var body: [UInt8] = []
        body.reserveCapacity(opening.count + open.count + closing.count)
        body += opening
        unsafe open.withBytes { unsafe body.append(contentsOf: $0) }
        body += closing
        full.append(Batch(body: body, count: openCount))
        fullBytes += body.count
        fullCount += openCount
        open.removeAll()
        openCount = 0
    }
}
