/// Names a request in the answer, the log and the call to the Hub. Unique, not secret.
struct RequestID: Sendable, CustomStringConvertible {
    let description: String

    @EventLoop private static var count: UInt32 = 0
    private static let process = hex(UInt32.random(in: 0...UInt32.max))

    @EventLoop static func next() -> RequestID {
        count &+= 1
        return RequestID(description: "hg-\(process)-\(hex(count))")
    }

    private static func hex(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
