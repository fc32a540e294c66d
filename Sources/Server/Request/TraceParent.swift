import EventIO
import HTTP

/// The id of a trace: 16 bytes, not all of them zero (W3C Trace Context section 3.2.2.3).
struct TraceID: Equatable, Sendable {
    let high: UInt64
    let low: UInt64

    static func random() -> TraceID {
        TraceID(high: .random(in: 0...UInt64.max), low: .random(in: 1...UInt64.max))
    }
}

/// The content of the field `traceparent`: the trace of a request, the span that made it, and whether that is recorded (W3C Trace
/// Context section 3.2).
struct TraceParent: Equatable, Sendable {
    static let field = "traceparent"
    static let stateField = "tracestate"
    /// The longest `tracestate`, in bytes.
    static let longestState = 512
    /// The only flag of the first version.
    static let sampled: UInt8 = 1

    let trace: TraceID
    /// Not 0.
    let span: UInt64
    let flags: UInt8

    var isSampled: Bool { flags & Self.sampled != 0 }
}

extension TraceParent {
    private static let length = 55

    /// Nil where the field is missing, repeated or invalid.
    init?(_ headers: Headers) {
        guard let index = headers.firstIndex(of: Self.field, from: 0),
            headers.firstIndex(of: Self.field, from: index + 1) == nil,
            let found = headers.withField(at: index, { _, value in TraceParent(value) })
        else { return nil }
        self = found
    }

    /// Of a later version only the parts that this one has are read (section 3.2.4).
    init?(_ text: Span<UInt8>) {
        let dash = UInt8(ascii: "-")
        guard text.count >= Self.length, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = Self.number(text, 0, 2), version != 0xFF,
            text.count == Self.length || version != 0 && text[Self.length] == dash,
            let high = Self.number(text, 3, 16), let low = Self.number(text, 19, 16), high | low != 0,
            let span = Self.number(text, 36, 16), span != 0, let flags = Self.number(text, 53, 2)
        else { return nil }
        // Unknown flags must not be passed on (section 3.2.2.5).
        self.init(trace: TraceID(high: high, low: low), span: span, flags: UInt8(flags) & Self.sampled)
    }

    /// The number in small hexadecimal digits; nil for any other text.
    private static func number(_ text: Span<UInt8>, _ start: Int, _ length: Int) -> UInt64? {
        var number: UInt64 = 0
        for index in start..<start + length {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}

extension TraceParent: CustomStringConvertible {
    /// The field's value.
    var description: String {
        var text = ByteBuffer(capacity: 64)
        text.append("00-")
        text.append(hex: trace.high)
        text.append(hex: trace.low)
        text.append("-")
        text.append(hex: span)
        text.append(isSampled ? "-01" : "-00")
        return unsafe text.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension ByteBuffer {
    /// Sixteen hexadecimal digits.
    mutating func append(hex number: UInt64) {
        append(hex: UInt32(truncatingIfNeeded: number >> 32))
        append(hex: UInt32(truncatingIfNeeded: number))
    }
}
