extension Headers {
    /// Whether `name` is a token, so may be a field name or a method (RFC 9110 section 5.6.2).
    public static func isToken(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy(\.isTokenByte)
    }

    /// Whether `value` may be sent as it is: no control bytes but TAB, no white space around it (RFC 9110 section 5.5).
    public static func isFieldValue(_ value: String) -> Bool {
        let bytes = value.utf8
        return bytes.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
            && bytes.trimmingOWS().count == bytes.count
    }
}

extension UInt8 {
    var asciiLowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }

    var isASCIIAlphanumeric: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7A).contains(asciiLowercased)
    }

    var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: isASCIIAlphanumeric
        }
    }

    /// The value of a hexadecimal digit.
    var hexDigit: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}

extension BidirectionalCollection<UInt8> {
    /// Without the optional white space around it (RFC 9110 section 5.6.3).
    func trimmingOWS() -> SubSequence {
        func isOWS(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = firstIndex(where: { !isOWS($0) }), let last = lastIndex(where: { !isOWS($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}

extension Headers {
    /// The media type of Content-Type, lower-cased and without its parameters (RFC 9110 section 8.3.1).
    public var mediaType: String? {
        withMediaType { type in String(decoding: type.indices.map { type[$0].asciiLowercased }, as: UTF8.self) }
    }

    /// Whether the media type is one of `types`, or ends with `suffix` (RFC 6839); nil without a Content-Type. Does not allocate.
    public func isMediaType(among types: CaselessWords, suffix: String) -> Bool? {
        let suffix = suffix.utf8.span
        return withMediaType { type in
            types.contains(type)
                || type.count >= suffix.count && type.extracting(last: suffix.count).isCaselessly(suffix)
        }
    }

    /// Whether `part` stands somewhere in a value of `name`, without regard to ASCII case. Does not allocate.
    public func mentions(_ part: String, in name: String) -> Bool {
        let part = part.utf8.span
        for index in 0..<count where isField(at: index, named: name) {
            let isThere = withField(at: index) { _, value in
                var start = 0
                while start + part.count <= value.count {
                    if value.extracting(start..<start + part.count).isCaselessly(part) { return true }
                    start += 1
                }
                return false
            }
            if isThere { return true }
        }
        return false
    }

    private func withMediaType<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        withFirst("Content-Type") { value in
            func isBlank(_ index: Int) -> Bool { value[index] == 0x20 || value[index] == 0x09 }
            var type = 0..<(value.indices.first { value[$0] == UInt8(ascii: ";") } ?? value.count)
            while let first = type.first, isBlank(first) { type = first + 1..<type.upperBound }
            while let last = type.last, isBlank(last) { type = type.lowerBound..<last }
            return body(value.extracting(type))
        }
    }
}
