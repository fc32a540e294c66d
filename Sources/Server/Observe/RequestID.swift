/// Names a request in the answer, the log and the call to the Hub. Unique, not secret.
struct RequestID: Sendable, CustomStringConvertible {
    /// `hg-`, the process's number and that of the request, such as `hg-5f0c9d12-0000002a`.
    let description: String

    @EventLoop private static var count: UInt32 = 0
    private static let process = UInt32.random(in: 0...UInt32.max)

    @EventLoop static func next() -> RequestID {
        count &+= 1
        return RequestID(description: text(count))
    }

    private static func text(_ number: UInt32) -> String {
        unsafe String(unsafeUninitializedCapacity: 20) { text in
            unsafe text[0] = UInt8(ascii: "h")
            unsafe text[1] = UInt8(ascii: "g")
            unsafe text[2] = UInt8(ascii: "-")
            unsafe write(process, to: text, at: 3)
            unsafe text[11] = UInt8(ascii: "-")
            unsafe write(number, to: text, at: 12)
            return 20
        }
    }

    /// Eight hexadecimal digits.
    private static func write(_ number: UInt32, to text: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        for place in 0..<8 {
            let digit = UInt8(truncatingIfNeeded: number >> UInt32(28 - 4 * place)) & 15
            unsafe text[start + place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }
}
