import HTTP

/// THE table of requests for the inference router: `/v1`, and the paths below a provider's name for which huggingface_hub calls the router
/// (its `inference/_providers`). Some providers are owners of repositories on the Hub too, so only the rest of the path decides.
enum InferenceRoutes {
    /// The router's own API, in OpenAI's form.
    private static let own = (path: "/v1", prefix: "/v1/")
    /// Everything below it: no owner on the Hub has this name.
    private static let ofHuggingFace = "/hf-inference/"
    /// This provider's models come directly after its name, as its repositories on the Hub do: git requests there are the Hub's, other
    /// POST requests are the router's, and results in its queue are asked for with a query.
    private static let fal = (path: "/fal-ai/", models: "/fal-ai/fal-ai/", queue: "_subdomain=queue")
    private static let git: PathParts = ["/info/lfs/", "/git-upload-pack", "/git-receive-pack"]

    private static let versioned = [
        "baseten", "black-forest-labs", "cerebras", "deepinfra", "featherless-ai", "hyperbolic", "nebius", "nscale",
        "openai", "ovhcloud", "publicai", "replicate", "sambanova", "scaleway", "together",
    ].flatMap { ["/\($0)/v1/", "/\($0)/v2/"] }
    private static let prefixes =
        versioned + [
            "/clarifai/v2/ext/", "/cohere/compatibility/v1/", "/fireworks-ai/inference/v1/", "/groq/openai/v1/",
            "/novita/v3/", "/wavespeed/api/v3/", "/zai-org/api/paas/",
        ]
    /// The first segments of these: they exclude nearly all other paths.
    private static let providers = CaselessWords(
        prefixes.compactMap { $0.split(separator: "/").first.map(String.init) } + ["v1", "hf-inference", "fal-ai"])

    static func contain(_ method: Method, _ target: Target) -> Bool {
        guard target.firstSegment(isAmong: providers) else { return false }
        if target.pathBegins(with: own.prefix) || target.path == own.path { return true }
        if target.pathBegins(with: fal.path) {
            return target.pathBegins(with: fal.models) || target.query?.contains(fal.queue) == true
                || method == .post && !target.pathContains(anyOf: git)
        }
        return target.pathBegins(with: ofHuggingFace) || prefixes.contains { target.pathBegins(with: $0) }
    }
}
