internal import Hub

/// Sees the URLs in a JSON text that goes by in pieces: strings of members whose name says that they are one. What people wrote is
/// no such member's, as a quote in it has a backslash before it.
struct URLScanner {
    /// How names end whose strings a client follows. The parts of an upload have numbers for names.
    private static let endings = ["url", "Url", "URL", "href"].map { Array($0.utf8) }
    /// Pictures of people, which lie on a server of their own and which no tool follows.
    private static let picture = Array("avatarUrl".utf8)
    /// What is kept of a string, in bytes: of a URL the host stands at its beginning.
    private static let longest = 4096

    private let see: (String) throws(Failure) -> Void
    private var isInString = false
    private var isEscaped = false
    /// The string that is being read, or the last one, as it came.
    private var text: [UInt8] = []
    /// Whether a string that begins now is a URL.
    private var isURL = false

    /// `see` is called for each.
    init(see: @escaping (String) throws(Failure) -> Void) {
        self.see = see
    }

    /// Throws what `see` throws.
    mutating func scan(_ piece: some Collection<UInt8>) throws(Failure) {
        for byte in piece {
            if isInString { try inString(byte) } else { between(byte) }
        }
    }

    private mutating func inString(_ byte: UInt8) throws(Failure) {
        if byte == UInt8(ascii: "\""), !isEscaped {
            isInString = false
            guard isURL else { return }
            isURL = false
            try see(decoded)
            return
        }
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        if text.count < Self.longest { text.append(byte) }
    }

    private mutating func between(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""):
            isInString = true
            isEscaped = false
            text.removeAll(keepingCapacity: true)
        case UInt8(ascii: ":"): isURL = isNameOfURL
        case 0x20, 0x09, 0x0A, 0x0D: break
        default: isURL = false
        }
    }

    private var isNameOfURL: Bool {
        if !text.isEmpty, text.allSatisfy({ (0x30...0x39).contains($0) }) { return true }
        return text != Self.picture && Self.endings.contains { text.suffix($0.count).elementsEqual($0) }
    }

    /// Some write `\/` for a slash, or letters as numbers.
    private var decoded: String {
        let quote = [UInt8(ascii: "\"")]
        if text.contains(UInt8(ascii: "\\")), let value = try? JSON.parse(quote + text + quote).stringValue {
            return value
        }
        return String(decoding: text, as: UTF8.self)
    }
}
