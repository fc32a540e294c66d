/// Replaces the Hub's address by the gateway's at the beginning of JSON strings that are URLs by their key, in a body that
/// goes by in pieces.
///
/// It looks for the bytes `"https://hub/` after a key such as `"commitUrl":`. What people wrote stays, whatever it begins
/// with: in it a quote has a backslash before it, so it cannot look like a key. Nothing has to be parsed or held but a few
/// bytes.
struct URLReplacer {
    /// How the keys end whose values a client follows: url, commitUrl, pullRequestUrl, href.
    private static let keys = ["url\"", "Url\"", "href\""].map { Array($0.utf8) }
    /// Enough to see the end of a key, a colon and some space.
    private static let lookBack = 16

    private let pattern: [UInt8]
    private let replacement: [UInt8]
    /// The end of what came so far, as far as it could begin the pattern.
    private var held: [UInt8] = []
    /// The end of what came before that.
    private var before: [UInt8] = []

    /// `hub` and `gateway` without a slash at the end.
    init(hub: String, gateway: String) {
        pattern = Array("\"\(hub)/".utf8)
        replacement = Array("\"\(gateway)/".utf8)
    }

    /// What can go out now.
    mutating func replace(_ piece: some Collection<UInt8>) -> [UInt8] {
        let input = held + Array(piece)
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var position = 0
        while let quote = input[position...].firstIndex(of: pattern[0]) {
            output += input[position..<quote]
            let rest = input[quote...].prefix(pattern.count)
            if rest.elementsEqual(pattern) {
                output += isURL(after: ending(with: input[..<quote])) ? replacement : pattern
                position = quote + pattern.count
            } else if rest.count < pattern.count, pattern.starts(with: rest) {
                held = Array(rest)
                before = ending(with: input[..<quote])
                return output
            } else {
                output.append(pattern[0])
                position = quote + 1
            }
        }
        held = []
        before = ending(with: input[...])
        return output + input[position...]
    }

    /// What was held back when no more comes.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }

    private func ending(with bytes: ArraySlice<UInt8>) -> [UInt8] {
        Array((before + bytes.suffix(Self.lookBack)).suffix(Self.lookBack))
    }

    private func isURL(after bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        dropSpace(&rest)
        guard rest.popLast() == UInt8(ascii: ":") else { return false }
        dropSpace(&rest)
        return Self.keys.contains { rest.suffix($0.count).elementsEqual($0) }
    }

    private func dropSpace(_ bytes: inout ArraySlice<UInt8>) {
        while let last = bytes.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { bytes.removeLast() }
    }
}
