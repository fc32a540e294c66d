/// Names a request in the answer, the log and the call to the Hub. Unique, not secret.
struct RequestID: Sendable {
    @EventLoop private static var count: UInt32 = 0
    fileprivate static let process = UInt32.random(in: 0...UInt32.max)

    fileprivate let number: UInt32

    @EventLoop static func next() -> RequestID {
        count &+= 1
        return RequestID(number: count)
    }
}

extension RequestID: CustomStringConvertible {
    /// `hg-`, the process's number and that of the request, such as `hg-5f0c9d12-0000002a`.
    var description: String {
        var text = ByteBuffer(capacity: 20)
        text.append(self)
        return unsafe text.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension ByteBuffer {
    /// The same as its description, without making a String of it.
    mutating func append(_ id: RequestID) {
        append("hg-")
        append(hex: RequestID.process)
        append(UInt8(ascii: "-"))
        append(hex: id.number)
    }
}
