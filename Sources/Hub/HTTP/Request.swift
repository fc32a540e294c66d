/// A request's head and, where it was collected, its body (RFC 9110 section 3.4).
public struct Request: Sendable {
    public let method: Method
    public var target: Target
    public var headers: Headers
    public var body: [UInt8]

    public init(method: Method, target: Target, headers: Headers = [:], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// Whether the client would rather have `text/plain` than JSON: it names the one in Accept and not the other.
    public var prefersPlainText: Bool {
        headers.lists("Accept", anyOf: Self.plainText) && !headers.lists("Accept", anyOf: Self.json)
    }

    private static let plainText = CaselessWords(["text/plain"])
    private static let json = CaselessWords(["application/json"])
}
