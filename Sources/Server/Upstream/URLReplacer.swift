/// Replaces the Hub's address by the gateway's at the beginning of JSON strings, in a body that goes by in pieces.
///
/// It looks for the bytes `"https://hub/`, which in JSON can only be the start of a string, so nothing has to be parsed or held but the few
/// bytes of a match that is not complete yet.
struct URLReplacer {
    private let pattern: [UInt8]
    private let replacement: [UInt8]
    /// The end of what came so far, as far as it could begin the pattern.
    private var held: [UInt8] = []

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
                output += replacement
                position = quote + pattern.count
            } else if rest.count < pattern.count, pattern.starts(with: rest) {
                held = Array(rest)
                return output
            } else {
                output.append(pattern[0])
                position = quote + 1
            }
        }
        held = []
        return output + input[position...]
    }

    /// What was held back when no more comes.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }
}
