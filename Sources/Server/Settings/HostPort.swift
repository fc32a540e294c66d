/// `host`, `host:port`, `[v6]:port` or `:port` taken apart. Whether the host is one is for others to judge.
struct HostPort: Equatable {
    let host: Substring
    let port: UInt16?
    let isBracketed: Bool

    init?(_ text: some StringProtocol) {
        let text = Substring(text)
        let rest: Substring
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            isBracketed = true
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            rest = text[end...]
            isBracketed = false
        }
        if rest.isEmpty {
            port = nil
        } else {
            guard rest.first == ":", let number = Self.port(rest.dropFirst()) else { return nil }
            port = number
        }
    }

    /// Digits only: `UInt16("+1")` would be a number too.
    static func port(_ text: some StringProtocol) -> UInt16? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt16(text)
    }
}
