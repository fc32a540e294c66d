/// Percent-encoding of path segments (RFC 3986 section 2.1).
public enum PercentEncoding {
    /// Encodes everything but unreserved characters, so also `/`: the result is one segment.
    public static func encode(segment: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(segment.utf8.count)
        for byte in segment.utf8 {
            if byte.isASCIIAlphanumeric || unreservedMarks.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Decodes every well-formed escape and leaves the rest as it stands; bytes that are not UTF-8 become U+FFFD.
    public static func decode(_ text: some Sequence<UInt8>) -> String {
        let bytes = Array(text)
        guard bytes.contains(UInt8(ascii: "%")) else { return String(decoding: bytes, as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = bytes[index + 1].hexDigit, let low = bytes[index + 2].hexDigit
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static let unreservedMarks = Array("-._~".utf8)
    private static let digits = Array("0123456789ABCDEF".utf8)
}
