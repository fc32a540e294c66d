/// What a repository holds.
public enum RepoKind: String, Hashable, Sendable, CaseIterable {
    case model, dataset, space

    /// Reads the facade's text: singular or plural, without regard to ASCII case; nil for anything else.
    public init?(facade text: String) {
        // Not `lowercased()`: that maps U+212A (Kelvin) to "k" and the like, and a look-alike is a typing error.
        let lower = String(decoding: text.utf8.map(\.asciiLowercased), as: UTF8.self)
        guard let kind = Self.allCases.first(where: { lower == $0.apiName || lower == $0.apiPath }) else { return nil }
        self = kind
    }

    /// `model`: as it stands in the Hub's JSON.
    public var apiName: String { rawValue }

    /// `models`: as it stands in `/api/models/…`.
    public var apiPath: String { rawValue + "s" }

    /// What precedes the name in the Hub's web and file URLs: nothing, `datasets/` or `spaces/`.
    public var webPrefix: String { self == .model ? "" : apiPath + "/" }
}
