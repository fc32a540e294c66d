/// How Xet shows in a request and its response.
enum Xet: CaseIterable, Sendable {
    /// Its addresses lead here.
    case carry
    /// There is nothing of it.
    case hide
    /// Its addresses are its own.
    case pass

    /// Where its servers are.
    static let domain = "xethub.hf.co"
}
