/// A branch, tag, pull request reference or commit hash of a repository.
public struct Revision: Hashable, Sendable {
    /// As people write it: `refs/pr/1`.
    public let text: String

    /// Throws `badRequest` for an empty text, and one with control characters or `..`, which git refuses in a name.
    public init(_ text: String) throws(Failure) {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw .badRequest("A revision must be a branch, tag or commit, without control characters.")
        }
        // Encoding leaves dots alone, and a path segment of ".." would lead elsewhere.
        let bytes = Array(text.utf8)
        guard text != ".", !zip(bytes, bytes.dropFirst()).contains(where: { $0 == 0x2E && $1 == 0x2E }) else {
            throw .badRequest("A revision must not be \".\" and not have \"..\" in it.")
        }
        self.text = text
    }

    /// As one segment of a path; the Hub wants its slashes encoded: `refs%2Fpr%2F1`.
    public var path: String { PercentEncoding.encode(segment: text) }
}

extension Revision: CustomStringConvertible {
    public var description: String { text }
}
