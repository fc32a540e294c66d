internal import Hub

/// The key that sealed URLs are made with ([decision 0011](../../../docs/decisions/0011-sealed-urls.md)).
struct SealKey: Sendable {
    private let secret: Secret

    /// Of a gateway without a Hub token: one for as long as the process lives, whatever is reloaded.
    static let ofThisStart = SealKey(bytes: (0..<32).map { _ in UInt8.random(in: .min ... .max) })

    /// Gateways with the same token accept each other's URLs. From the key nobody finds the token.
    init(token: Secret) {
        self.init(bytes: MessageCode.make(of: "hubgate: sealed URLs, 1", with: token))
    }

    private init(bytes: [UInt8]) {
        // Base64 is printable, so a secret can hold it.
        guard let secret = try? Secret(Array(Base64URL.encode(bytes).utf8)) else {
            preconditionFailure("32 bytes in base64 are no secret")
        }
        self.secret = secret
    }

    func code(of text: String) -> [UInt8] {
        MessageCode.make(of: text, with: secret)
    }
}
