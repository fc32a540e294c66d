import EventIO
import HTTP
import Hub

/// Signs the URLs of the Hub's stores for clients, and checks those that come back.
struct SignedURLPolicy: Sendable {
    /// The ending of the only URL that is called with a key's credential.
    static let verification = ".git/info/lfs/objects/verify"

    let codec: SignedURLCodec
    let hosts: ContentHosts
    /// `target_limit` in bytes: a longer target could not be requested.
    let longestTarget: Int

    /// In seconds. It has to outlive the URL in it, and a client that begins late or takes long.
    private static let day = 86_400
    /// Amazon signs for no longer; it is also how long an upload through Xet may take, which gets its base once.
    private static let week = 7 * day
    /// Room for what clients append to a base: the longest known is a hash and a range in the query.
    private static let roomBelow = 512

    /// A store's URL without an expiry counts as valid for an hour, where the file cache answers instead of the store.
    private static let hour = 3600

    /// The gateway's path for `url`. Throws `hubBroken` for a host that is not allowed, and for a URL that is too long.
    /// `object`: the object that the Hub has named; it is left out where it would make the path too long.
    func path(
        to url: String, for use: SignedURLCodec.Use, of object: StoredObject? = nil, key: KeyMark? = nil, now: Int
    ) throws(Failure) -> String {
        // What is appended to a base begins with a slash.
        let url = use == .base && url.hasSuffix("/") ? String(url.dropLast()) : url
        try checkPlace(of: url, for: use) { .contentElsewhere($0) }
        let own = Self.life(of: url, now: now)
        let life = use == .base ? Self.week : max(Self.day, min(Self.week, own ?? 0))
        let named = object.map { SignedObject($0, until: now + min(life, own ?? Self.hour)) }
        var path = codec.path(to: url, for: use, of: named, by: key, until: now + life)
        if named != nil, path.utf8.count > longestTarget {
            path = codec.path(to: url, for: use, by: key, until: now + life)
        }
        guard path.utf8.count + (use == .base ? Self.roomBelow : 0) <= longestTarget else {
            throw .tooLongToSign(ContentHosts.host(of: url) ?? "", limit: longestTarget)
        }
        return path
    }

    /// Opens a signed path. The signature alone is not enough: the host still has to be allowed.
    func open(_ target: Target, _ method: Method, now: Int) throws(Failure) -> SignedURLCodec.Opened {
        let opened = try codec.open(target, method, now: now)
        try checkPlace(of: opened.url, for: opened.use) { .signedURLElsewhere($0) }
        return opened
    }

    private func checkPlace(
        of url: String, for use: SignedURLCodec.Use, _ failure: (String) -> Failure
    ) throws(Failure) {
        let host = ContentHosts.host(of: url)
        let isAllowed =
            switch (use, hosts.place(of: url)) {
            case (.read, .content), (.upload, .content), (.base, .content): true
            // Xet's server may be the Hub's own. No credential of ours goes there either way; it goes only with `verify`.
            case (.complete, .hub), (.base, .hub), (.verify, .hub): host != nil
            default: false
            }
        guard isAllowed, use != .base || !url.utf8.contains(where: { "?#\\".utf8.contains($0) }) else {
            throw failure(host ?? "a place without a clear host")
        }
    }

    /// For how long a pre-signed URL is valid, in seconds from now, below 0 for one that has expired; nil where it does not say.
    private static func life(of url: String, now: Int) -> Int? {
        guard let query = url.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        var (period, begun): (Int?, Int?)
        for parameter in url.utf8[query...].dropFirst().split(separator: UInt8(ascii: "&")) {
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = parameter[..<equals].map { $0 | 0x20 }
            let value = Substring(parameter[equals...].dropFirst())
            if name.elementsEqual("x-amz-date".utf8) { begun = seconds(ofBasicFormat: value) }
            guard let number = Int(value), number > 0 else { continue }
            if name.elementsEqual("expires".utf8) { return number - now }
            if name.elementsEqual("x-amz-expires".utf8) { period = number }
        }
        // A URL that is not valid yet counts from now.
        return period.map { $0 + min(0, (begun ?? now) - now) }
    }

    /// Seconds since 1970 of `20261129T121500Z`, the form in Amazon's signatures (ISO 8601, basic format). Nil for any other text.
    private static func seconds(ofBasicFormat text: Substring) -> Int? {
        let digits = text.utf8.filter { (0x30...0x39).contains($0) }.map { Int($0 - 0x30) }
        guard text.utf8.count == 16, digits.count == 14, text.hasSuffix("Z"), text.dropFirst(8).first == "T",
            let day = HTTPDate.day("\(text.prefix(4))-\(text.dropFirst(4).prefix(2))-\(text.dropFirst(6).prefix(2))")
        else { return nil }
        let time = [8, 10, 12].map { digits[$0] * 10 + digits[$0 + 1] }
        return day * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
    }
}

extension Failure {
    /// A signed URL leads to a host that is no longer allowed.
    static func signedURLElsewhere(_ host: String) -> Failure {
        Failure(
            .signedURLRefused,
            detail:
                "This address leads to \(host), where this gateway does not go for content. Its operator can add the domain to content_hosts."
        )
    }

    /// The Hub leads to a host that its content is not fetched from.
    static func contentElsewhere(_ host: String) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The Hub leads to \(host), where this gateway does not go for content. Its operator can add the domain to content_hosts."
        )
    }

    /// A URL of the Hub's store that a client could not ask for, since `target_limit` (in bytes) refuses it.
    static func tooLongToSign(_ host: String, limit: Int) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The Hub names an address on \(host) that is too long to be asked for here. The operator of this gateway can raise target_limit (\(limit) bytes)."
        )
    }
}
