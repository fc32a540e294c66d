@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What goes to the inference router, and what only begins like it.
struct InferenceRoutesTests {
    @Test(
        "A provider's routes are the router's, its repositories the Hub's",
        arguments: [
            ("POST /v1/chat/completions", true), ("GET /v1", true), ("GET /v1x", false), ("GET /v1?x", true),
            ("POST /hf-inference/models/u/m/pipeline/x", true), ("GET /hf-inference", false),
            ("POST /together/v1/completions", true), ("GET /together/v2/videos/1", true),
            ("GET /togetherx/v1/y", false), ("GET /together/model/resolve/main/v1/", false),
            ("POST /groq/openai/v1/chat/completions", true), ("GET /groq/model/tree/main", false),
            ("POST /cohere/compatibility/v1/chat/completions", true), ("GET /cohere/v1/resolve/main/f", false),
            ("POST /fal-ai/fal-ai/flux/dev", true), ("POST /fal-ai/bria/fibo?_subdomain=queue", true),
            ("POST /fal-ai/bria/fibo", true), ("GET /fal-ai/bria/requests/1/status?_subdomain=queue", true),
            ("GET /fal-ai/AuraFlow/resolve/main/f", false), ("POST /fal-ai/AuraFlow.git/info/lfs/objects/batch", false),
            ("POST /fal-ai/AuraFlow/git-upload-pack", false), ("HEAD /fal-ai/AuraFlow/resolve/main/f", false),
            ("POST /zai-org/api/paas/v4/chat/completions", true), ("GET /zai-org/GLM-4.5/resolve/main/f", false),
            ("GET /", false), ("GET /api/models", false), ("GET /datasets/v1/x", false),
        ])
    func routes(asked: String, isRouters: Bool) throws {
        let parts = asked.split(separator: " ")
        let method = Method(rawValue: String(parts[0]))
        #expect(InferenceRoutes.contain(method, try Target(hub: String(parts[1]))) == isRouters)
    }
}
