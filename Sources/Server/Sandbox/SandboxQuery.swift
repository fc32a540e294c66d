import Hub

/// The parameters of a query, in order, as received; decoded when asked for.
struct SandboxQuery {
    private let pairs: [String]

    init(_ query: String) {
        pairs = query.split(separator: "&").map(String.init)
    }

    /// The first value of `name`; nil without one or with an empty one.
    subscript(_ name: String) -> String? {
        pairs.lazy.map(Self.split).first { $0.name == name }
            .flatMap { $0.value.isEmpty ? nil : Self.decode($0.value) }
    }

    /// All values of `name` in order.
    func values(of name: String) -> [String] {
        pairs.lazy.map(Self.split).filter { $0.name == name }.map { Self.decode($0.value) }
    }

    /// Whether `name` is set to what Python or JavaScript call true.
    func isSet(_ name: String) -> Bool { ["1", "true"].contains(self[name]?.lowercased()) }

    /// The same parameters, to the byte, with `value` as the last and only `name`. `value` must be encoded. What would
    /// end a URL in a Link field is encoded.
    func replacing(_ name: String, with value: String) -> String {
        (pairs.filter { Self.split($0).name != name } + ["\(name)=\(value)"]).joined(separator: "&")
            .split(separator: ">", omittingEmptySubsequences: false).joined(separator: "%3E")
    }

    private static func split(_ pair: String) -> (name: String, value: Substring) {
        let name = pair.prefix { $0 != "=" }
        return (decode(name), pair.dropFirst(name.count + 1))
    }

    /// Decodes escapes and `+` (the form encoding that HTTP libraries use); a malformed escape stays as it is.
    private static func decode(_ text: Substring) -> String {
        var decoded: [UInt8] = []
        var rest = Substring(text).utf8
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            // Looked at one by one: "+f" is a number to UInt8 as well.
            if byte == UInt8(ascii: "%"), digits.count == 2,
                digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
                let value = UInt8(Substring(digits), radix: 16)
            {
                decoded.append(value)
                rest.removeFirst(2)
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }
}
