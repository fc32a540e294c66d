/// Names a request in the response, the log and the call to the Hub. Unique, not secret.
package struct RequestID: Sendable {
    @EventLoop private static var count: UInt32 = 0
    /// `hg-` and the process's number, with which all its ids begin.
    fileprivate static let beginning = {
        var text = ByteBuffer(capacity: 16)
        text.append("hg-")
        text.append(hex: UInt32.random(in: 0...UInt32.max))
        text.append(UInt8(ascii: "-"))
        return unsafe text.withBytes { unsafe Array($0) }
    }()

    fileprivate let number: UInt32

    @EventLoop package static func next() -> RequestID {
        count &+= 1
        return RequestID(number: count)
    }
}

extension RequestID: CustomStringConvertible {
    /// `hg-`, the process's number and the request's, such as `hg-5f0c9d12-0000002a`.
    package var description: String {
        var text = ByteBuffer(capacity: 20)
        text.append(self)
        return unsafe text.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension ByteBuffer {
    /// Appends its description without making a String.
    package mutating func append(_ id: RequestID) {
        append(RequestID.beginning.span)
        append(hex: id.number)
    }
}

extension Exchange {
    /// The field that tells a client the request's id.
    package struct IDField {
        package let name: StaticString
        package let id: RequestID

        package init(name: StaticString, id: RequestID) {
            self.name = name
            self.id = id
        }
    }
}
