import EventIO

/// One span in OTLP's JSON form (opentelemetry-proto, `opentelemetry.proto.trace.v1.Span`): ids are hexadecimal, numbers of 64 bits are strings,
/// enumerations are numbers.
///
/// Written as bytes at the span's end: nothing of the request is held for it.
struct SpanWriter: ~Copyable {
    enum Kind: Int {
        case server = 2
        case client = 3
    }

    /// Its ids and its parent's.
    struct Identity {
        let trace: TraceID
        let id: UInt64
        var parent: UInt64?
        /// Whether the parent is another program's.
        var isParentRemote = false
        /// The field `tracestate` of the request.
        var state: String?
    }

    /// The most bytes of a text, before escaping.
    private static let longest = 1024

    private var bytes = ByteBuffer(capacity: 1536)
    private var hasAttribute = false

    /// Times are nanoseconds since 1970.
    init(_ identity: Identity, _ kind: Kind, name: String, start: Int64, end: Int64) {
        bytes.append(#"{"traceId":""#)
        bytes.append(hex: identity.trace.high)
        bytes.append(hex: identity.trace.low)
        bytes.append(#"","spanId":""#)
        bytes.append(hex: identity.id)
        if let parent = identity.parent {
            bytes.append(#"","parentSpanId":""#)
            bytes.append(hex: parent)
        }
        bytes.append(#"","#)
        if let state = identity.state {
            bytes.append(#""traceState":"#)
            append(quoted: state, longest: Self.longest)
            bytes.append(",")
        }
        // SpanFlags: the W3C's, and the one for "it is known whether the parent is remote".
        bytes.append(identity.isParentRemote ? #""flags":769,"name":"# : #""flags":257,"name":"#)
        append(quoted: name, longest: Self.longest)
        bytes.append(#","kind":"#)
        bytes.append(decimal: kind.rawValue)
        bytes.append(#","startTimeUnixNano":""#)
        bytes.append(decimal: Int(start))
        bytes.append(#"","endTimeUnixNano":""#)
        bytes.append(decimal: Int(max(start, end)))
        bytes.append(#"","attributes":["#)
    }

    mutating func add(_ key: StaticString, _ text: String, longest: Int = SpanWriter.longest) {
        begin(key)
        bytes.append(#""stringValue":"#)
        append(quoted: text, longest: longest)
        bytes.append("}}")
    }

    mutating func add(_ key: StaticString, _ number: Int) {
        begin(key)
        bytes.append(#""intValue":""#)
        bytes.append(decimal: number)
        bytes.append(#""}}"#)
    }

    /// `error` names what went wrong; nil: nothing did, or it is not known.
    consuming func finished(error: String?) -> ByteBuffer {
        if let error {
            bytes.append(#"],"status":{"code":2,"message":"#)
            append(quoted: error, longest: 200)
            bytes.append("}}")
        } else {
            bytes.append("]}")
        }
        return bytes
    }

    private mutating func begin(_ key: StaticString) {
        if hasAttribute { bytes.append(",") }
        hasAttribute = true
        bytes.append(#"{"key":""#)
        bytes.append(key)
        bytes.append(#"","value":{"#)
    }

    /// A longer text ends before the character that does not fit.
    private mutating func append(quoted text: String, longest: Int) {
        bytes.append("\"")
        let all = text.utf8.span
        var end = min(all.count, longest)
        while end < all.count, end > 0, all[end] & 0xC0 == 0x80 { end -= 1 }
        for index in 0..<end {
            let byte = all[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                bytes.append(byte)
            } else if byte >= 0x20 {
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            } else {
                bytes.append(byte < 0x10 ? "\\u000" : "\\u001")
                bytes.append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
            }
        }
        bytes.append("\"")
    }
}
