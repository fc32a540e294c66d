import HTTP

/// A repository as the Hub names it after creating it.
package struct Repo: Hashable, Sendable {
    package let kind: RepoKind
    /// With its namespace, also where the order left it out.
    package let id: RepoID
    /// The Hub's own URL, as received: on the Hub's host, not the gateway's.
    package let url: String

    package init(kind: RepoKind, id: RepoID, url: String) {
        self.kind = kind
        self.id = id
        self.url = url
    }
}

/// What a repository holds.
package enum RepoKind: String, Hashable, Sendable, CaseIterable {
    case model, dataset, space

    /// Reads the facade's text: singular or plural, without regard to ASCII case; nil for anything else.
    package init?(facade text: String) {
        // Not `lowercased()`: that maps U+212A (Kelvin) to "k" and the like, and a look-alike is a typing error.
        let lower = String(decoding: text.utf8.map(\.asciiLowercased), as: UTF8.self)
        guard let kind = Self.allCases.first(where: { lower == $0.apiName || lower == $0.apiPath }) else { return nil }
        self = kind
    }

    /// `model`: its word in the Hub's JSON.
    package var apiName: String { rawValue }

    /// `models`: its word in `/api/models/…`.
    package var apiPath: String { rawValue + "s" }

    /// The text before the name in the Hub's web and file URLs: nothing, `datasets/` or `spaces/`.
    package var webPrefix: String { self == .model ? "" : apiPath + "/" }
}

/// What runs a space.
package enum SpaceSDK: String, Hashable, Sendable, CaseIterable {
    case gradio, streamlit, docker, `static`
}

/// A branch, tag, pull request reference or commit hash of a repository.
package struct Revision: Hashable, Sendable {
    /// As people write it: `refs/pr/1`.
    package let text: String

    /// Throws `badRequest` for an empty text, and one with control characters or `..`, which git refuses in a name.
    package init(_ text: String) throws(Failure) {
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
    package var path: String { PercentEncoding.encode(segment: text) }
}

extension Revision: CustomStringConvertible {
    package var description: String { text }
}
