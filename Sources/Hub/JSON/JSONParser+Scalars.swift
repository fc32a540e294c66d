import HTTP

extension JSONParser {
    /// A longer number is refused: turning digits into a Double costs more for each one.
    private static var longestNumber: Int { 128 }

    /// From the opening quote to after the closing one.
    package mutating func string() throws(Failure) -> String {
        let start = position + 1
        var end = start
        var isEscaped = false
        var others: UInt8 = 0
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                // The next byte is part of it, even a quote; the text may end there.
                end += 1
            } else if byte < 0x20 {
                position = end
                throw malformed
            }
            others |= byte
            end += 1
        }
        position = min(end, bytes.count)
        guard position < bytes.count else { throw malformed }
        guard end - start <= limits.string else {
            throw .badRequest("The body has a string of more than \(limits.string) bytes.")
        }
        position += 1
        let raw = bytes[start..<end]
        guard isEscaped else {
            // ASCII is valid UTF-8.
            if others < 0x80 { return String(decoding: raw, as: UTF8.self) }
            guard let text = String(validating: raw, as: UTF8.self) else {
                throw .badRequest("The body is not JSON: it is not UTF-8.")
            }
            return text
        }
        guard let text = JSON.unescaped(raw) else {
            throw .badRequest("The body is not JSON: a string in it has an escape that is none, or is not UTF-8.")
        }
        return text
    }

    /// `-0`, `1.5e3`: an Int64 if it is one exactly, else the nearest Double (RFC 8259 section 6).
    package mutating func number() throws(Failure) -> JSON {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        let isWhole = ![UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(current)
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let raw = bytes[start..<position]
        guard raw.count <= Self.longestNumber else {
            throw .badRequest("The body has a number of more than \(Self.longestNumber) characters.")
        }
        if isWhole, let number = Self.whole(raw) { return .integer(number) }
        let text = String(decoding: raw, as: UTF8.self)
        guard let number = Double(text), number.isFinite else {
            throw .badRequest("The body has a number that is too large.")
        }
        return isWhole ? .number(number) : Int64(exactly: number).map { .integer($0) } ?? .number(number)
    }

    /// Nil for a number beyond Int64.
    private static func whole(_ raw: ArraySlice<UInt8>) -> Int64? {
        let isNegative = raw.first == UInt8(ascii: "-")
        var number: Int64 = 0
        for digit in isNegative ? raw.dropFirst() : raw {
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let value = Int64(digit - 0x30)
            let (sum, isBeyond) =
                isNegative ? tens.subtractingReportingOverflow(value) : tens.addingReportingOverflow(value)
            guard !isTooLarge, !isBeyond else { return nil }
            number = sum
        }
        return number
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 { position += 1 }
        guard position > start else { throw malformed }
    }
}
