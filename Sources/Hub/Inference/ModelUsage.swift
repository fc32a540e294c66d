/// What a model's answer took, as its provider says.
package struct ModelUsage: Equatable, Sendable {
    /// Nil where the answer names none.
    package var model: String?
    /// Tokens of the prompt and of the answer.
    package var input: Int64 = 0
    package var output: Int64 = 0
    /// The provider has said how many there were.
    package var isReported = false

    package var total: Int64 { input + output }
}

/// Finds what a model's answer took in the answer itself as it goes by: in JSON, or in the last event of a stream that says it
/// (`stream_options.include_usage` of OpenAI's chat, `response.completed` of its responses).
///
/// What a model writes stands in strings, where no member is found.
package final class ModelUsageReader {
    private enum Place {
        /// Nothing but so many bytes of `data:` has come of this line.
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
    /// No answer has more.
    private static let most: Int64 = 1 << 40

    private let isStream: Bool
    private var scanner = JSONMemberScanner(members)
    private var place = Place.atBeginning(0)
    private var found = ModelUsage()

    /// `isStream`: it is a stream of events (text/event-stream).
    package init(isStream: Bool) {
        self.isStream = isStream
    }

    package func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard isStream else { return scanner.take(unsafe bytes.span) }
        let span = unsafe bytes.span
        for index in span.indices { takeOfStream(span[index]) }
    }

    private func takeOfStream(_ byte: UInt8) {
        if byte == 0x0A || byte == 0x0D {
            if case .inData = place { absorb() }
            place = .atBeginning(0)
            return
        }
        switch place {
        case .inData: scanner.take(byte)
        case .elsewhere: break
        case .atBeginning(let count):
            if byte != Self.data[count] {
                place = .elsewhere
            } else if count + 1 < Self.data.count {
                place = .atBeginning(count + 1)
            } else {
                scanner.restart()
                place = .inData
            }
        }
    }

    /// What has been found so far.
    package var usage: ModelUsage {
        absorb()
        return found
    }

    private func absorb() {
        if let model = Self.models.lazy.compactMap({ self.scanner.value($0) }).first(where: { !$0.isEmpty }) {
            found.model = String(decoding: model, as: UTF8.self)
        }
        let (input, output, total) = (number(Self.inputs), number(Self.outputs), number(Self.totals))
        guard input != nil || output != nil || total != nil else { return }
        found.isReported = true
        found.input = input ?? 0
        // What is in the total and in neither of the two is of the answer.
        found.output = max(output ?? 0, (total ?? 0) - found.input)
    }

    private func number(_ members: Range<Int>) -> Int64? {
        members.lazy.compactMap { self.scanner.value($0) }.compactMap { Int64(String(decoding: $0, as: UTF8.self)) }
            .first { (0...Self.most).contains($0) }
    }
}
