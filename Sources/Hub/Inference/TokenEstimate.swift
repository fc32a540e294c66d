import HTTP

/// Estimates the tokens of a request to a model before it is sent: read from its body, in one piece or in several.
package struct TokenEstimate {
    /// For a response, where the client does not limit it.
    package static let usualAnswer: Int64 = 4096
    private static let mostAnswers: Int64 = 128
    private static let mostAnswer: Int64 = 1 << 32
    private static let lengths = ["max_tokens", "max_completion_tokens", "max_output_tokens"]

    private var scanner = JSONMemberScanner(TokenEstimate.lengths + ["n"])
    private var prompt = PromptLength()

    package init() {}

    /// An upper bound: no text has more tokens than bytes, and no response more than the client allows. A body that is not here counts a
    /// token for four of its `length` bytes, since most of a long body is files.
    package static func most(_ body: [UInt8]?, length: UInt64?) -> Int64 {
        guard let body else { return min(Int64(clamping: (length ?? 1 << 20) / 4), mostAnswer) + usualAnswer }
        var estimate = TokenEstimate()
        estimate.take(body.span)
        return estimate.most
    }

    /// Takes some bytes of the body, in order.
    package mutating func take(_ bytes: Span<UInt8>) {
        scanner.take(bytes)
        prompt.take(bytes)
    }

    /// The bound when all of the body has passed.
    package var most: Int64 {
        let answer = Self.lengths.compactMap { scanner.integer($0) }.max().map { min(max($0, 0), Self.mostAnswer) }
        let answers = min(max(scanner.integer("n") ?? 1, 1), Self.mostAnswers)
        return prompt.bytes + (answer ?? Self.usualAnswer) * answers
    }
}
