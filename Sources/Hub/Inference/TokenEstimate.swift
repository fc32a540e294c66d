import HTTP

/// How many tokens a request of a model may take, before it is asked: read from its body, in one piece or in several.
package struct TokenEstimate {
    /// Of an answer, where the client does not say how long it may be.
    package static let usualAnswer: Int64 = 4096
    private static let mostAnswers: Int64 = 128
    private static let mostAnswer: Int64 = 1 << 32
    private static let lengths = ["max_tokens", "max_completion_tokens", "max_output_tokens"]

    private var scanner = JSONMemberScanner(TokenEstimate.lengths + ["n"])
    private var prompt = PromptLength()

    package init() {}

    /// At most so many: no text has more tokens than bytes, and no answer more than the client lets it. A body that is not here counts a
    /// token for four of its `length` bytes, as most of a body that is long is files.
    package static func most(_ body: [UInt8]?, length: UInt64?) -> Int64 {
        guard let body else { return min(Int64(clamping: (length ?? 1 << 20) / 4), mostAnswer) + usualAnswer }
        var estimate = TokenEstimate()
        estimate.take(body.span)
        return estimate.most
    }

    /// Some bytes of the body, which go by in order.
    package mutating func take(_ bytes: Span<UInt8>) {
        scanner.take(bytes)
        prompt.take(bytes)
    }

    /// When all of the body has gone by.
    package var most: Int64 {
        let answer = Self.lengths.compactMap { scanner.integer($0) }.max().map { min(max($0, 0), Self.mostAnswer) }
        let answers = min(max(scanner.integer("n") ?? 1, 1), Self.mostAnswers)
        return prompt.bytes + (answer ?? Self.usualAnswer) * answers
    }
}
