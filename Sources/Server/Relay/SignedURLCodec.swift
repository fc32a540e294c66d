import EventIO
import HTTP
import Hub

/// Makes and opens paths of this gateway that are signed for one URL elsewhere: `/-/signed/r1767225600.CODE/URL`, with the URL and the
/// HMAC over all of it in base64. A client with such a path may use it for its purpose, until it expires, and for nothing else.
///
/// Everything is in the path, because older clients drop the query of a redirect. A client with the path can read the URL;
/// it tells no more than the Hub told that client.
struct SignedURLCodec: Sendable {
    /// The purpose of a signed URL; its letter is signed, too.
    enum Use: String, CaseIterable, Sendable {
        /// Reading that URL.
        case read = "r"
        /// Writing to that URL.
        case upload = "u"
        /// Reporting to the Hub that all parts of an upload are there, without a credential.
        case complete = "c"
        /// Reporting to the Hub that an object is there, with the key for which the URL was signed.
        case verify = "v"
        /// Any call below that URL: the rest of the path, and the query, are appended to it.
        case base = "b"

        var methods: [Method] {
            switch self {
            case .read: [.get, .head]
            case .upload: [.put]
            case .complete, .verify: [.post]
            case .base: [.get, .head, .post, .put]
            }
        }
    }

    /// The content of a signed path. Its host has still to be checked.
    struct Opened: Sendable, Equatable {
        let use: Use
        /// The signed URL itself.
        let url: String
        /// The gateway key for which it was signed; nil for none.
        var key: KeyMark?
        /// The object that the Hub has named for it; nil where it has not.
        var object: SignedObject?
        /// The path and query that were asked for below a base, else empty.
        let below: String

        /// The URL to ask.
        var whole: String { url + below }
    }

    let key: SignedURLKey

    /// `expiry` is in seconds since 1970.
    func path(
        to url: String, for use: Use, of object: SignedObject? = nil, by gatewayKey: KeyMark? = nil, until expiry: Int
    ) -> String {
        let content = Base64URL.encode(url.utf8)
        let key = gatewayKey.map { "k\($0.id)g\($0.rights)" } ?? ""
        let term = "\(use.rawValue)\(expiry)\(key)\(object?.text ?? "")"
        return "\(Target.signedPrefix)\(term).\(code(term, content))/\(content)"
    }

    /// Throws `signedURLRefused` for a path that was not signed with this key or has expired, `methodNotAllowed` for another method.
    func open(_ target: Target, _ method: Method, now: Int) throws(Failure) -> Opened {
        guard target.pathBegins(with: Target.signedPrefix) else { throw .signedURLInvalid }
        // Bytes: a slash with a combining accent is another Character.
        let parts = target.path.utf8.dropFirst(Target.signedPrefix.utf8.count)
            .split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
            .map { Substring($0) }
        guard parts.count >= 2 else { throw .signedURLInvalid }
        let head = parts[0].utf8
            .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
            .map { Substring($0) }
        guard head.count == 2,
            let given = Base64URL.decode(head[1].utf8),
            HMACSHA256.isSame(given, key.code(of: "\(head[0])/\(parts[1])")),
            let use = Use(rawValue: String(head[0].prefix(1))),
            let (term, object) = SignedObject.split(head[0].dropFirst()),
            let (expiry, gatewayKey) = Self.term(term), object == nil || use == .read,
            let url = Base64URL.decode(parts[1].utf8).flatMap({ String(validating: $0, as: UTF8.self) })
        else { throw .signedURLInvalid }
        guard now <= expiry else { throw .signedURLExpired }
        guard use.methods.contains(method) else { throw .methodNotAllowed(method, allow: use.methods) }
        let below = parts.count == 3 ? "/\(parts[2])" : ""
        return Opened(use: use, url: url, key: gatewayKey, object: object, below: try Self.below(below, use, target))
    }

    private static func term(_ text: Substring) -> (expiry: Int, key: KeyMark?)? {
        let parts = text.utf8.split(separator: UInt8(ascii: "k"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let expiry = Int(Substring(parts[0])) else { return nil }
        guard parts.count == 2 else { return (expiry, nil) }
        let mark = parts[1].split(separator: UInt8(ascii: "g"), omittingEmptySubsequences: false).map { Substring($0) }
        guard mark.count == 2, let id = Int64(mark[0]), let rights = UInt64(mark[1]) else { return nil }
        return (expiry, KeyMark(id: id, rights: rights))
    }

    private static func below(_ path: String, _ use: Use, _ target: Target) throws(Failure) -> String {
        guard use == .base else {
            guard path.isEmpty, target.query == nil else { throw .signedURLInvalid }
            return ""
        }
        // Otherwise the server could read it as a path that is not below the base.
        guard !target.hasDotSegments, !path.utf8.contains(UInt8(ascii: "\\")) else {
            throw .badRequest("The path below a signed address must have no dot segments and no backslash.")
        }
        return path + (target.query.map { "?\($0)" } ?? "")
    }

    private func code(_ term: String, _ content: String) -> String {
        Base64URL.encode(key.code(of: "\(term)/\(content)"))
    }
}

/// The key for signed URLs ([decision 0011](../../../docs/decisions/0011-signed-urls.md)).
struct SignedURLKey: Sendable {
    private let secret: Secret

    /// For a gateway without a Hub token: random, the same for all its workers, until it stops, whatever is reloaded.
    static let ofThisStart = SignedURLKey(bytes: SharedSecret.derive("signed URLs"))

    /// Gateways with the same token accept each other's URLs. The token cannot be found from the key.
    init(token: Secret) {
        self.init(bytes: HMACSHA256.make(of: "hubgate: signed URLs, 1", with: token))
    }

    private init(bytes: [UInt8]) {
        // Base64 is printable, so a secret can hold it.
        guard let secret = try? Secret(Array(Base64URL.encode(bytes).utf8)) else {
            preconditionFailure("bytes in base64 are no secret")
        }
        self.secret = secret
    }

    func code(of text: String) -> [UInt8] {
        HMACSHA256.make(of: text, with: secret)
    }
}

extension Failure {
    /// A signed URL was not made by this gateway, or was changed.
    static var signedURLInvalid: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "This address was not made by this gateway, or was changed on the way. Ask the Hub's own path for it again."
        )
    }

    /// A signed URL has expired.
    static var signedURLExpired: Failure {
        Failure(.signedURLRefused, detail: "This address has expired. Ask the Hub's own path for it again.")
    }
}
