package import HTTP
import Hub

/// A stand-in of the inference router: returns the prompt.
extension Sandbox {
    private static let mostWords = 1000

    /// POST /v1/chat/completions
    package static func completeChat(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        _ = try call.requiredToken()
        let body = try call.body()
        let model = try body.string("model")
        let messages = try body.objects("messages", atMost: 1000)
        let said = try messages.last.map { message throws(SandboxRefusal) in try message.string("content") } ?? ""
        let words = ["You", "said:"] + said.split(separator: " ").prefix(mostWords).map(String.init)
        let id = "chatcmpl-\(SandboxRepo.hex(16, seed: said))"
        let isStream = try body.optionalFlag("stream") ?? false
        var response = isStream ? hub.stream(words, id, model) : hub.whole(words, id, model)
        response.headers.set("x-inference-provider", "sandbox")
        response.headers.set("inference-id", id)
        return response
    }

    private func frame(_ id: String, _ model: String, _ object: String, _ choice: JSON) -> [String: JSON] {
        [
            "id": .string(id), "object": .string(object), "created": .integer(now()), "model": .string(model),
            "system_fingerprint": "sandbox", "choices": [choice],
        ]
    }

    private func whole(_ words: [String], _ id: String, _ model: String) -> Response {
        let text = JSON.string(words.joined(separator: " "))
        var members = frame(
            id, model, "chat.completion",
            ["index": 0, "finish_reason": "stop", "message": ["role": "assistant", "content": text]])
        let count = Int64(words.count)
        members["usage"] = [
            "prompt_tokens": .integer(count), "completion_tokens": .integer(count), "total_tokens": .integer(2 * count),
        ]
        return Response(.ok, hub: .object(members))
    }

    /// One event for each word; `SandboxServer` sends them one by one.
    private func stream(_ words: [String], _ id: String, _ model: String) -> Response {
        var text = ""
        for (index, word) in words.enumerated() {
            let delta: JSON = ["role": "assistant", "content": .string(index == 0 ? word : " \(word)")]
            text += event(id, model, ["index": 0, "delta": delta, "finish_reason": nil])
        }
        text += event(id, model, ["index": 0, "delta": ["content": ""], "finish_reason": "stop"]) + "data: [DONE]\n\n"
        return Response(
            .ok, headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-cache"], body: Array(text.utf8))
    }

    private func event(_ id: String, _ model: String, _ choice: JSON) -> String {
        let json = JSON.object(frame(id, model, "chat.completion.chunk", choice))
        return "data: \(String(decoding: (try? json.encoded()) ?? [], as: UTF8.self))\n\n"
    }
}
