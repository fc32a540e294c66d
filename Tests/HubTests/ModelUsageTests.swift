@testable import Hub
import Testing

@Suite struct ModelUsageTests {
    private func read(_ text: String, isStream: Bool = false, cutAt cut: Int? = nil) -> ModelUsage {
        let reader = ModelUsageReader(isStream: isStream)
        let bytes = Array(text.utf8)
        for piece in [bytes[..<(cut ?? 0)], bytes[(cut ?? 0)...]] {
            unsafe Array(piece).withUnsafeBufferPointer { unsafe reader.take($0) }
        }
        return reader.usage
    }

    private static let chat =
        #"{"id":"a","model":"meta/llama","choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":12,"completion_tokens":30,"total_tokens":42}}"#
    private static let stream = """
        : a comment\r
        data: {"model":"m","choices":[{"delta":{"content":"data: {\\"usage\\":{\\"prompt_tokens\\":9}}"}}]}\r
        \r
        event: x
        data: {"model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}

        data: [DONE]


        """

    @Test("The usage of an answer is found, wherever it is cut")
    func cuts() {
        let wanted = ModelUsage(model: "meta/llama", input: 12, output: 30, isReported: true)
        for cut in 0...Self.chat.utf8.count { #expect(read(Self.chat, cutAt: cut) == wanted) }
        let ofStream = ModelUsage(model: "m", input: 5, output: 7, isReported: true)
        for cut in 0...Self.stream.utf8.count { #expect(read(Self.stream, isStream: true, cutAt: cut) == ofStream) }
    }

    @Test(
        "Each form of a usage is read",
        arguments: [
            (#"{"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}"#, 3, 4),
            (#"{"usage" : { "prompt_tokens" :3 , "total_tokens" : 3 } }"#, 3, 0),
            (#"{"usage":{"total_tokens":9}}"#, 0, 9),
            (#"{"usage":{"prompt_tokens":3,"total_tokens":10}}"#, 3, 7),
            (#"{"response":{"usage":{"input_tokens":1,"output_tokens":2}}}"#, 1, 2),
            (#"{"usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}"#, 3, 4),
        ])
    func forms(_ text: String, _ input: Int64, _ output: Int64) {
        let usage = read(text)
        #expect(usage.isReported && usage.input == input && usage.output == output)
        #expect(read("data: \(text)\n\n", isStream: true).total == input + output)
        // The last line of a stream may have no end.
        #expect(read("data:\(text)", isStream: true).total == input + output)
    }

    @Test(
        "What is no usage of the answer is none",
        arguments: [
            "", "{", "[]", "null", #"{"usage":null}"#, #"{"usage":5}"#, #"{"usage":[{"prompt_tokens":5}]}"#,
            #"{"choices":[{"usage":{"prompt_tokens":5}}]}"#, #"{"a":{"usage":{"prompt_tokens":5}}}"#,
            #"{"text":"\"usage\":{\"prompt_tokens\":5}"}"#, #"{"text":"{\\\"usage\\\":{\\\"prompt_tokens\\\":5}}"}"#,
            #"[{"usage":{"prompt_tokens":5}}]"#, #"{"us\u0061ge":{"prompt_tokens":5}}"#,
            #"{"usage":{"prompt_tokens":-1}}"#, #"{"usage":{"prompt_tokens":1.5}}"#,
            #"{"usage":{"prompt_tokens":"5x"}}"#, #"{"usage":{"prompt_tokens":99999999999999999999999}}"#,
            #"}{"usage":{"prompt_tokens":5}}"#, #"{"tools":[{"p":{"usage":{"prompt_tokens":0}}}]}"#,
            #"{"usage":{"x":{"prompt_tokens":5}}}"#,
        ])
    func none(_ text: String) {
        #expect(!read(text).isReported && !read("data: \(text)\n\n", isStream: true).isReported)
        #expect(read(text).total == 0)
    }

    @Test("In a stream a line that is none of data has no usage, and a later event without one takes nothing away")
    func lines() {
        for line in ["dat: ", "xdata: ", " data: ", "event: ", ": data: "] {
            #expect(!read(line + Self.chat + "\n\n", isStream: true).isReported)
        }
        #expect(read("data: \(Self.chat)\n\ndata: {\"choices\":[]}\n\n", isStream: true).total == 42)
        #expect(read("data: \(Self.chat)\n\ndata: {\"usage\":null}\n\n", isStream: true).total == 42)
    }

    @Test("Texts without an end, without a bottom and with odd bytes hold nothing and stop nothing")
    func hostile() {
        for text in [
            String(repeating: "[", count: 100_000), String(repeating: "{\"usage\":", count: 20_000),
            String(repeating: "}", count: 1000) + Self.chat, "{\"model\":\"" + String(repeating: "x", count: 100_000),
            String(repeating: "\"", count: 99_999), String(repeating: "\\", count: 1000),
            "{\"" + String(repeating: "n", count: 100_000) + "\":{\"prompt_tokens\":1}}",
        ] {
            #expect(!read(text).isReported && !read("data: " + text, isStream: true).isReported)
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = Array(Self.chat.utf8)
            for _ in 0..<4 { bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255) }
            let reader = ModelUsageReader(isStream: Bool.random())
            unsafe bytes.withUnsafeBufferPointer { unsafe reader.take($0) }
            #expect(reader.usage.total >= 0)
        }
    }
}

@Suite struct TokenEstimateTests {
    private func most(_ text: String) -> Int64 { TokenEstimate.most(Array(text.utf8), length: nil) }

    @Test("A prompt takes at most a token a byte, and an answer what the client lets it have")
    func estimate() {
        let begin = #"{"messages":[],"#
        #expect(most(begin + #""max_tokens":100}"#) == Int64((begin + #""max_tokens":100}"#).utf8.count) + 100)
        let two = begin + #""max_completion_tokens":50,"n":4}"#
        #expect(most(two) == Int64(two.utf8.count) + 200)
        #expect(most("{}") == 2 + TokenEstimate.usualAnswer)
        // The higher counts, where a client says two.
        let both = #"{"max_tokens":1,"max_output_tokens":70}"#
        #expect(most(both) == Int64(both.utf8.count) + 70)
    }

    @Test("An image counts the same however long it is, and what is not read by its length")
    func files() {
        let long = #"{"image":"data:image/png;base64,"# + String(repeating: "A", count: 100_000) + #"","max_tokens":1}"#
        #expect(most(long) < 4096 + 200)
        // What a model would read.
        let text = String(repeating: "a ", count: 50_000)
        for begin in [
            "data:", "data:image/png;base64,", "data:text/plain;base64,", "data:text/plain,", "data:image/png,",
        ] {
            #expect(most("{\"content\":\"\(begin)\(text)\",\"max_tokens\":1}") > 100_000, "\(begin)")
        }
        let coded = String(repeating: "A", count: 100_000)
        #expect(most("{\"content\":\"data:text/plain;base64,\(coded)\",\"max_tokens\":1}") > 100_000)
        #expect(TokenEstimate.most(nil, length: 4000) == 1000 + TokenEstimate.usualAnswer)
    }

    @Test("A body counts the same in whatever pieces it goes by")
    func pieces() {
        let bodies = [
            #"{"image":"data:image/png;base64,\#(String(repeating: "A", count: 9000))","max_tokens":1}"#,
            #"{"image":"data:image/png;base64,\#(String(repeating: "A", count: 9000))"#,
            #"{"a":"data:image/png;base64,\#(String(repeating: "A", count: 9000))!","b":"data:"data:video/mp4;base64,AAAA","n":3}"#,
            #"{"a":"\#(String(repeating: "data:", count: 900))","max_output_tokens":5000}"#,
            #""data:,"data:audio/x;base64,"""data:"#,
        ]
        for body in bodies.map({ Array($0.utf8) }) {
            for size in [1, 2, 3, 7, 64, 4096] {
                var estimate = TokenEstimate()
                for start in stride(from: 0, to: body.count, by: size) {
                    let piece = body[start..<min(start + size, body.count)]
                    estimate.take(piece.span)
                }
                #expect(estimate.most == TokenEstimate.most(body, length: nil), "\(size)")
            }
        }
    }

    @Test(
        "No number in a body makes the estimate wrong by more than its bounds",
        arguments: [
            #"{"max_tokens":-5}"#, #"{"max_tokens":99999999999999999999}"#,
            #"{"max_tokens":9223372036854775807,"n":9223372036854775807}"#,
            #"{"n":-1}"#, #"{"max_tokens":"x"}"#, #"{"max_tokens":null,"n":0}"#, "", "\"data:", "\"data:\"data:",
        ])
    func hostile(_ text: String) {
        #expect((0...(1 << 40)).contains(most(text)))
        #expect(TokenEstimate.most(nil, length: .max) > 0)
    }
}
