/// What a reader of JSON accepts. Each reader names its own, so that the cost of a text is bounded before it is paid.
public struct JSONLimits: Sendable {
    /// Bytes of the whole text.
    public let bytes: Int
    /// How deep arrays and objects are nested. Reading recurses, so this bounds the stack too.
    public let depth: Int
    /// Values in all: each scalar, each array and each object counts, names do not.
    public let values: Int
    /// Bytes of one string or name, as written.
    public let string: Int

    public init(bytes: Int, depth: Int, values: Int, string: Int = .max) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
        self.string = string
    }

    /// The body of a request to `/api/repo`: six flat members, of which the longest is two names of 96 bytes.
    public static let order = JSONLimits(bytes: 256 << 10, depth: 4, values: 64, string: 1024)
    /// `GET /api/whoami-v2`: about ten members for each organisation and for each scope of a fine-grained token.
    public static let account = JSONLimits(bytes: 256 << 10, depth: 16, values: 4096)
    /// What the Hub says to an order, and its errors: a message and a few members.
    public static let reply = JSONLimits(bytes: 64 << 10, depth: 16, values: 1024)
}
