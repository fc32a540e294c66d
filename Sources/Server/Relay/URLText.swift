import EventIO

/// Whether a JSON string is a URL and nothing else. A text that only contains one was written by people, and stays.
enum URLText {
    /// No address of a known host is shorter: `//hf.co`.
    static let shortest = 7

    /// Whether a string that begins with this byte, as written, may be a URL.
    static func mayBegin(with byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "h"), UInt8(ascii: "H"), UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: " "): true
        default: false
        }
    }

    /// Whether a string may be a URL, by its beginning as written: that excludes most strings that begin with an `h`.
    static func mayBe(_ raw: Span<UInt8>) -> Bool {
        guard raw.count >= shortest, mayBegin(with: raw[0]) else { return false }
        let first = raw[0]
        // Escapes and leading spaces are resolved first, and checked later.
        guard first != UInt8(ascii: "\\"), first != UInt8(ascii: " ") else { return true }
        let wanted: StaticString = first == UInt8(ascii: "/") ? "//" : "http"
        for index in 1..<wanted.utf8CodeUnitCount where raw[index] != UInt8(ascii: "\\") {
            guard unsafe raw[index] | 0x20 == wanted.utf8Start[index] | 0x20 else { return false }
        }
        return true
    }

    /// Whether any string of a JSON text may be a URL: that takes two slashes, a colon after `http` or `https`, or an escape.
    static func mayBe(in json: Span<UInt8>) -> Bool {
        // Reads all of it: the compiler vectorises a loop without an exit.
        unsafe json.withUnsafeBufferPointer { json in
            guard let first = unsafe json.first else { return false }
            var found: UInt8 = first == UInt8(ascii: "\\") ? 1 : 0
            for index in 1..<json.count {
                let (before, byte) = unsafe (json[index - 1], json[index])
                let isScheme = before | 0x20 == UInt8(ascii: "p") || before | 0x20 == UInt8(ascii: "s")
                found |= byte == UInt8(ascii: "\\") ? 1 : 0
                found |= byte == UInt8(ascii: "/") && before == byte ? 1 : 0
                found |= byte == UInt8(ascii: ":") && isScheme ? 1 : 0
            }
            return found != 0
        }
    }

    /// Whether `text` is an absolute http or https URL, or one that lacks only the scheme, however leniently it is read; spaces
    /// around it are ignored.
    static func isWhole(_ text: String) -> Bool {
        var bytes = text.utf8[...]
        while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        guard bytes.count >= shortest, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
        let start = Array(bytes.prefix(6)).map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 | 0x20 }
        return start.starts(with: "//".utf8) || start.starts(with: "http:".utf8) || start.starts(with: "https:".utf8)
    }
}
