import EventIO
import HTTP

/// One link of a `Link` field (RFC 8288 section 3). Parts of the field's text, not copies.
struct Link: Sendable, Equatable {
    /// The text before `<`: white space. The whole text, if there is no target.
    private let lead: Substring
    private let hasTarget: Bool
    /// The text in angle brackets.
    let target: Substring
    /// The text after them, unchanged.
    private let parameters: Substring

    /// The links of one field's value, in order. A part that is no link is one without a target, and stays unchanged.
    static func list(_ value: String) -> [Link] {
        var links: [Link] = []
        let bytes = value.utf8
        var start = bytes.startIndex
        var (isInTarget, isQuoted, isEscaped) = (false, false, false)
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: ",") where !isInTarget && !isQuoted:
                links.append(Link(Substring(bytes[start..<index])))
                start = bytes.index(after: index)
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isQuoted: isEscaped = true
            case UInt8(ascii: "\"") where !isInTarget: isQuoted.toggle()
            case UInt8(ascii: "<") where !isQuoted: isInTarget = true
            case UInt8(ascii: ">"): isInTarget = false
            default: break
            }
        }
        return links + [Link(Substring(bytes[start...]))]
    }

    private init(_ text: Substring) {
        let bytes = text.utf8
        guard let open = bytes.firstIndex(of: UInt8(ascii: "<")),
            let close = bytes[open...].firstIndex(of: UInt8(ascii: ">"))
        else {
            (lead, hasTarget, target, parameters) = (text, false, "", "")
            return
        }
        lead = Substring(bytes[..<open])
        hasTarget = true
        target = Substring(bytes[bytes.index(after: open)..<close])
        parameters = Substring(bytes[bytes.index(after: close)...])
    }

    /// The relations in `rel`, in lower case.
    var relations: [String] {
        var isQuoted = false
        // A ; in quotes separates nothing.
        let parts = parameters.utf8.split { byte in
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            return byte == UInt8(ascii: ";") && !isQuoted
        }
        for part in parts {
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard pair.count == 2, Self.isRel(pair[0]) else { continue }
            let value = Substring(pair[1]).lowercased()
            return value.utf8.split { [0x20, 0x09, UInt8(ascii: "\"")].contains($0) }.map { String(Substring($0)) }
        }
        return []
    }

    private static func isRel(_ name: Substring.UTF8View) -> Bool {
        var letters = name.lazy.filter { $0 != 0x20 && $0 != 0x09 }.map { $0 | 0x20 }.makeIterator()
        return letters.next() == UInt8(ascii: "r") && letters.next() == UInt8(ascii: "e")
            && letters.next() == UInt8(ascii: "l") && letters.next() == nil
    }

    /// The link with another target, otherwise unchanged.
    func text(target: some StringProtocol) -> String {
        hasTarget ? "\(lead)<\(target)>\(parameters)" : String(lead)
    }
}
