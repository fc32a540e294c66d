/// What becomes of Xet, the store that newer clients send the bytes of large files to and fetch them from.
enum Xet: String, CaseIterable, Sendable {
    /// Its addresses lead here, and what is asked of it is relayed.
    case carry
    /// Nothing of it is shown, so downloads take the plain way; uploads need `HF_HUB_DISABLE_XET=1`.
    case hide
    /// Its addresses are left as they are, for clients that can reach them.
    case pass

    /// Where its servers are.
    static let domain = "xethub.hf.co"
}
