import HTTP
import Hub

/// What one entry of a list tells about itself: its name, and whether it is private.
struct ListEntry: Equatable {
    /// Nil: there is no name, or there are two.
    private(set) var id: String?
    /// Nil: the entry does not tell, or not reliably.
    private(set) var isPrivate: Bool?

    /// Reads the members `id` and `private` of an object, and skips the rest. Nil for anything but an object.
    init?(_ element: [UInt8]) {
        var reader = Reader(bytes: element)
        guard reader.next() == UInt8(ascii: "{") else { return nil }
        var (ids, privates) = (0, 0)
        reader.index += 1
        while let byte = reader.next(), byte != UInt8(ascii: "}") {
            if byte == UInt8(ascii: ",") {
                reader.index += 1
                continue
            }
            guard byte == UInt8(ascii: "\""), let name = reader.string(), reader.next() == UInt8(ascii: ":") else {
                return nil
            }
            reader.index += 1
            guard let value = reader.value() else { return nil }
            if name == "id" {
                ids += 1
                id = ids == 1 && element[value.lowerBound] == UInt8(ascii: "\"") ? reader.text(value) : nil
            } else if name == "private" {
                privates += 1
                isPrivate = privates == 1 ? reader.flag(value) : nil
            }
        }
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        /// The next byte that is no white space; the index is then at it.
        mutating func next() -> UInt8? {
            while index < bytes.count {
                let byte = bytes[index]
                guard byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else { return byte }
                index += 1
            }
            return nil
        }

        /// A string of at most 64 bytes, unescaped, or an empty one for a longer one; nil if it has no end.
        mutating func string() -> String? {
            guard let range = quoted() else { return nil }
            return range.count <= 66 ? text(range) ?? "" : ""
        }

        private mutating func quoted() -> Range<Int>? {
            let start = index
            index += 1
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard index < bytes.count else { return nil }
            index += 1
            return start..<index
        }

        /// Skips a value, and returns its range.
        mutating func value() -> Range<Int>? {
            guard let first = next() else { return nil }
            if first == UInt8(ascii: "\"") { return quoted() }
            let start = index
            var depth = 0
            while index < bytes.count {
                switch bytes[index] {
                case UInt8(ascii: "\""):
                    guard quoted() != nil else { return nil }
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: ",") where depth == 0: return start..<index
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return start..<index }
                    depth -= 1
                default: break
                }
                index += 1
            }
            return nil
        }

        func text(_ range: Range<Int>) -> String? {
            JSON.unescaped(bytes[range.lowerBound + 1..<range.upperBound - 1])
        }

        func flag(_ range: Range<Int>) -> Bool? {
            var word: [UInt8] = []
            for index in range.prefix(8) where bytes[index] > 0x20 { word.append(bytes[index]) }
            return word == Array("true".utf8) ? true : word == Array("false".utf8) ? false : nil
        }
    }
}
