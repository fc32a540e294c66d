/// How Xet shows in a request and its response.
enum Xet: CaseIterable, Sendable {
    /// Its addresses lead here.
    case carry
    /// Nothing of it is shown.
    case hide
    /// Its addresses stay its own.
    case pass

    /// The domain of its servers.
    static let domain = "xethub.hf.co"
}
