/// Comma-separated lists of tokens over all fields of a name, such as Accept and Connection (RFC 9110 section 5.6.1). They can be as
/// long as a head may be, so no text is made of a member. Quoted strings are not supported.
extension Headers {
    /// Whether a member is one of `words`, without its parameters and without regard to case.
    package func lists(_ name: String, anyOf words: CaselessWords) -> Bool {
        !forEachMember(of: name) { member in
            var end = 0
            while end < member.count, member[end] != UInt8(ascii: ";") { end += 1 }
            return !words.contains(member.extracting(member.trimmingOWS(0..<end)))
        }
    }

    /// Members of `Connection` that no intermediary forwards anyway.
    private static let ofTheConnection = CaselessWords([
        "close", "keep-alive", "Connection", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    ])

    /// Whether `Connection` names other fields, which are not forwarded for that (RFC 9110 section 7.6.1): the next server does not get them.
    package var withholdsFields: Bool {
        contains("Connection") && !forEachMember(of: "Connection") { Self.ofTheConnection.contains($0) }
    }

    /// Whether there is more than one field of `name`. Does not allocate.
    package func isRepeated(_ name: String) -> Bool {
        guard let first = firstIndex(of: name, from: 0) else { return false }
        return firstIndex(of: name, from: first + 1) != nil
    }

    /// Appends all values of `name` with a line feed after each, which no value contains: so different values append different bytes.
    package func appendValues(of name: String, to text: inout [UInt8]) {
        var next = 0
        while let index = firstIndex(of: name, from: next) {
            text.append(contentsOf: bytes[fields[index].value])
            text.append(UInt8(ascii: "\n"))
            next = index + 1
        }
    }

    /// Removes the fields that a member of `name` names, without regard to ASCII case.
    package mutating func removeAll(listedIn name: String, of other: Headers) {
        let names = FieldNames(of: self)
        var marked = [Bool](repeating: false, count: count)
        _ = other.forEachMember(of: name) { member in
            names.mark(member, in: &marked)
            return true
        }
        removeAll(marked: marked)
    }

    /// Calls `goOn` with the members that are not empty, without the white space around them, while it returns true. Returns whether all
    /// were passed.
    private func forEachMember(of name: String, _ goOn: (Span<UInt8>) -> Bool) -> Bool {
        var next = 0
        while let index = firstIndex(of: name, from: next) {
            next = index + 1
            let isDone = withField(at: index) { _, value in
                var start = 0
                for end in 0...value.count where end == value.count || value[end] == UInt8(ascii: ",") {
                    let member = value.extracting(value.trimmingOWS(start..<end))
                    if !member.isEmpty, !goOn(member) { return false }
                    start = end + 1
                }
                return true
            }
            guard isDone else { return false }
        }
        return true
    }
}

extension Span<UInt8> {
    /// The part of `range` without the optional white space around it (RFC 9110 section 5.6.3).
    fileprivate func trimmingOWS(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}
