import FoundationEssentials

/// What JSONDecoder lets pass: any nesting, repeated names, a comma before a closing bracket. It takes one of two equal
/// names, other readers the other, so a body that means "private" to us could mean "public" to the Hub.
/// Malformed text passes here: the decoder refuses it.
struct JSONOutline {
    private let bytes: [UInt8]
    private var position = 0
    /// One entry for each open bracket: the names seen in an object, nil for an array.
    private var open: [Set<String>?] = []
    private var nameComesNext = false
    private var afterComma = false

    /// Throws `badRequest` for nesting deeper than `deepest`, a repeated name, and a NUL.
    static func check(_ bytes: [UInt8], deepest: Int) throws(Failure) {
        var outline = JSONOutline(bytes)
        try outline.walk(deepest)
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func walk(_ deepest: Int) throws(Failure) {
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "{"): opening([])
            case UInt8(ascii: "["): opening(.none)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard !afterComma else {
                    throw .badRequest("The body is not JSON: a comma precedes a closing bracket.")
                }
                _ = open.popLast()
            case UInt8(ascii: ","): nameComesNext = (open.last ?? nil) != nil
            case UInt8(ascii: "\""): try string()
            // The decoder would take it for UTF-16 or UTF-32, which RFC 8259 section 8.1 forbids.
            case 0: throw .badRequest("The body is not JSON: it has a NUL byte; send UTF-8.")
            default: break
            }
            if byte > UInt8(ascii: " ") { afterComma = byte == UInt8(ascii: ",") }
            guard open.count <= deepest else {
                throw .badRequest("The body is nested deeper than \(deepest) levels.")
            }
            position += 1
        }
    }

    private mutating func opening(_ names: Set<String>?) {
        open.append(names)
        nameComesNext = names != nil
    }

    /// Moves to the closing quote, and keeps the string if it is a name.
    private mutating func string() throws(Failure) {
        let start = position
        var escaped = false
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            if bytes[position] == UInt8(ascii: "\\") {
                escaped = true
                position += 1
            }
            position += 1
        }
        guard nameComesNext, position < bytes.count, !open.isEmpty else { return }
        nameComesNext = false
        let name =
            escaped
            ? unescaped(bytes[start...position])
            : String(decoding: bytes[(start + 1)..<position], as: UTF8.self)
        guard let name, var names = open[open.count - 1] else { return }
        // Taken out first, so that the set is not copied for each name.
        open[open.count - 1] = []
        guard names.insert(name).inserted else { throw .badField(Self.shown(name), "is there twice; leave one out") }
        open[open.count - 1] = names
    }

    /// A stranger's text goes into an error, so into a header: short and without control characters.
    private static func shown(_ name: String) -> String {
        var text = ""
        text.unicodeScalars.append(
            contentsOf: name.unicodeScalars.prefix(64).filter { $0.properties.generalCategory != .control })
        return text
    }

    private func unescaped(_ quoted: ArraySlice<UInt8>) -> String? {
        try? JSONDecoder().decode(String.self, from: Data(quoted))
    }
}
