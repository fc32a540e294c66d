/// The Hub's own "no": what it answered instead of a success, as far as the caller may see it.
public struct HubRefusal: Sendable, Equatable {
    public let status: Status
    /// `X-Error-Code`, such as `RepoNotFound`.
    public let code: String?
    /// The Hub's sentence: one line, never empty, at most a few hundred characters.
    public let message: String
    /// The fields that tell the caller when and how to try again; see `Headers` names in `keptFields`.
    public let headers: Headers
    /// What Hugging Face's support asks for.
    public let hubRequestID: String?

    public init(
        status: Status, code: String? = nil, message: String, headers: Headers = [:], hubRequestID: String? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.hubRequestID = hubRequestID
    }

    /// The fields of the Hub's answer that `headers` keeps.
    public static let keptFields = ["Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate", "X-HF-Warning"]
}
