/// The tokens of a model's response, as its provider reports them.
package struct ModelUsage: Equatable, Sendable {
    /// Nil where the response names none.
    package var model: String?
    /// Tokens of the prompt and of the response.
    package var input: Int64 = 0
    package var output: Int64 = 0
    /// The provider has reported the numbers.
    package var isReported = false

    package var total: Int64 { input + output }
}

/// Finds the tokens of a model's response in the response itself as it passes: in JSON, or in the last event of a stream that has them
/// (`stream_options.include_usage` of OpenAI's chat, `response.completed` of its responses).
///
/// A model's own text is in strings, where no member is found.
package final class ModelUsageReader {
    private enum Place {
        /// Only so many bytes of `data:` have come of this line.
        case atBeginning(Int)
        case inData
        case elsewhere
    }

    private static let members = [
        "model", "response.model",
        "usage.prompt_tokens", "usage.input_tokens", "response.usage.input_tokens",
        "usage.completion_tokens", "usage.output_tokens", "response.usage.output_tokens",
        "usage.total_tokens", "response.usage.total_tokens",
    ]
    private static let (models, inputs, outputs, totals) = (0..<2, 2..<5, 5..<8, 8..<10)
    private static let data = Array("data:".utf8)
    /// No response has more.
    private static let most: Int64 = 1 << 40

    private let isStream: Bool
    private var scanner = JSONMemberScanner(members)
    private var place = Place.atBeginning(0)
    private var found = ModelUsage()
    private var modelBytes: [UInt8] = []

    /// `isStream`: the response is an event stream (text/event-stream).
    package init(isStream: Bool) {
        self.isStream = isStream
    }

    package func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard isStream else { return scanner.take(unsafe bytes.span) }
        let span = unsafe bytes.span
        var start = 0
        while start < span.count {
            var end = start
            while end < span.count, span[end] != 0x0A, span[end] != 0x0D { end += 1 }
            takeOfLine(span.extracting(start..<end))
            guard end < span.count else { return }
            if case .inData = place { absorb() }
            place = .atBeginning(0)
            start = end + 1
        }
    }

    /// A piece of a line, without its end.
    private func takeOfLine(_ piece: Span<UInt8>) {
        var start = 0
        while start < piece.count, case .atBeginning(let count) = place {
            if piece[start] != Self.data[count] {
                place = .elsewhere
            } else if count + 1 < Self.data.count {
                place = .atBeginning(count + 1)
            } else {
                scanner.restart()
                place = .inData
            }
            start += 1
        }
        if case .inData = place { scanner.take(piece.extracting(start..<piece.count)) }
    }

    /// What has been found so far.
    package var usage: ModelUsage {
        absorb()
        return found
    }

    private func absorb() {
        for place in Self.models {
            guard let model = scanner.value(place), !model.isEmpty else { continue }
            // Each event of a stream has the same name.
            if model != modelBytes { (modelBytes, found.model) = (model, String(decoding: model, as: UTF8.self)) }
            break
        }
        let (input, output, total) = (number(Self.inputs), number(Self.outputs), number(Self.totals))
        guard input != nil || output != nil || total != nil else { return }
        found.isReported = true
        found.input = input ?? 0
        // Tokens that are in the total and in neither of the two belong to the response.
        found.output = max(output ?? 0, (total ?? 0) - found.input)
    }

    private func number(_ members: Range<Int>) -> Int64? {
        members.lazy.compactMap { self.scanner.value($0) }.compactMap { Int64(String(decoding: $0, as: UTF8.self)) }
            .first { (0...Self.most).contains($0) }
    }
}
