extension String {
    /// Whether `part` stands in it, byte for byte. The standard library's own search compares characters: for a path it takes thirty
    /// times as long, and a combining character behind `/` hides the slash from it.
    public func contains(_ part: String) -> Bool {
        let text = utf8.span
        let part = part.utf8.span
        guard !part.isEmpty else { return true }
        guard text.count >= part.count else { return false }
        let first = part[0]
        for start in 0...text.count - part.count where text[start] == first {
            var length = 1
            while length < part.count, text[start + length] == part[length] { length += 1 }
            if length == part.count { return true }
        }
        return false
    }

    /// Whether one of `paths` stands in it, byte for byte. Each of them begins with a slash: one look at each byte rules nearly all out.
    public func contains(anyOf paths: [StaticString]) -> Bool {
        utf8.span.contains(anyOf: paths)
    }
}

extension Span<UInt8> {
    /// See `String.contains(anyOf:)`.
    func contains(anyOf paths: [StaticString]) -> Bool {
        for start in indices where self[start] == UInt8(ascii: "/") {
            for path in paths where path.utf8CodeUnitCount <= count - start {
                var length = 1
                while length < path.utf8CodeUnitCount, unsafe self[start + length] == path.utf8Start[length] {
                    length += 1
                }
                if length == path.utf8CodeUnitCount { return true }
            }
        }
        return false
    }
}
