import EventIO
import HTTP
import Hub

/// A request of one replica to another: bytes of a file, and where the store has them, as the Hub has told the replica that asks.
struct PeerCall: Equatable, Sendable {
    let name: BlobName
    /// Of the file, in bytes.
    let size: Int
    let range: Range<Int>
    /// A signed address: a right by itself.
    let source: String

    static let sizeField = "X-Hubgate-Peer-Size"
    static let sourceField = "X-Hubgate-Peer-Source"
    static let signatureField = "X-Hubgate-Peer-Signature"
    private static let longestSource = 8192

    /// Whether a call can carry it. With a longer one the head could be too long for the other side.
    static func canHave(source: String) -> Bool {
        source.utf8.count <= longestSource
            && source.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }
    }

    var path: String { Target.peerPrefix + name.hex }

    /// The fields of its request, without the signature.
    var headers: Headers {
        [
            "Accept-Encoding": "identity", "User-Agent": "hubgate/\(Version.number)",
            "Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)", Self.sizeField: String(size),
            Self.sourceField: Base64URL.encode(source.utf8),
        ]
    }

    init(_ name: BlobName, size: Int, _ range: Range<Int>, from source: String) {
        (self.name, self.size, self.range, self.source) = (name, size, range, source)
    }

    /// Nil for any other request. Numbers have one form only, so the range that is read is the one that was signed.
    init?(_ request: Request, _ target: Target) {
        guard target.query == nil, target.pathBegins(with: Target.peerPrefix),
            let name = BlobName(Substring(target.path.utf8.dropFirst(Target.peerPrefix.utf8.count))),
            let size = request.headers[Self.sizeField].flatMap(Self.number), BlobLayout(size: size) != nil,
            let range = request.headers["Range"].flatMap({ Self.range($0, of: size) }),
            let text = request.headers[Self.sourceField], let bytes = Base64URL.decode(text.utf8),
            let source = String(validating: bytes, as: UTF8.self), Self.canHave(source: source)
        else { return nil }
        self.init(name, size: size, range, from: source)
    }

    private static func range(_ text: String, of size: Int) -> Range<Int>? {
        guard text.hasPrefix("bytes=") else { return nil }
        let ends = text.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = number(String(ends[0])), let last = number(String(ends[1])), first <= last,
            last < size
        else { return nil }
        return first..<last + 1
    }

    private static func number(_ text: String) -> Int? {
        Int(text).flatMap { String($0) == text && $0 >= 0 ? $0 : nil }
    }

    /// Whether a head begins the whole response to this call.
    func isAnswered(by head: Transfer.Head) -> Bool {
        head.status == .partialContent && head.headers["Content-Encoding"] ?? "identity" == "identity"
            && head.headers["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            && head.contentLength == range.count
    }
}

/// Shows that a call was made by a replica, for one other replica, now: HMAC-SHA-256 of the whole call, with the secret that they share.
struct PeerKey: Equatable, Sendable {
    /// By so much two clocks may differ, and for so long a call is valid, in seconds.
    static let window = 60
    private static let version = "1"
    private static let nonceLength = 32

    private let key: Secret

    /// A derived key: the operator may use the secret elsewhere, too.
    init?(_ secret: Secret) {
        guard
            let key = try? Secret(
                Array(Base64URL.encode(HMACSHA256.make(of: "hubgate: peers, 1", with: secret)).utf8))
        else { return nil }
        self.key = key
    }

    /// The field's value. `origin`: of the receiver. `now`: seconds since 1970.
    func signature(of call: PeerCall, to origin: String, now: Int, nonce: String = PeerKey.nonce()) -> String {
        "\(Self.version).\(now).\(nonce).\(Base64URL.encode(code(of: call, to: origin, String(now), nonce)))"
    }

    /// Makes each call different.
    static func nonce() -> String {
        (0..<2).map { _ in
            let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The nonce of a valid signature; nil for any other. `origin`: of the receiver.
    func nonce(of signature: String, for call: PeerCall, to origin: String, now: Int) -> String? {
        let parts = signature.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == Self.version, parts[2].utf8.count == Self.nonceLength,
            let given = Base64URL.decode(parts[3].utf8),
            HMACSHA256.isSame(given, code(of: call, to: origin, parts[1], parts[2])),
            // Checked last: an unsigned time means nothing.
            let time = Int(parts[1]), (now - Self.window...now + Self.window).contains(time)
        else { return nil }
        return parts[2]
    }

    /// No part of the text can contain a line feed, so it can be read in one way only.
    private func code(of call: PeerCall, to origin: String, _ time: String, _ nonce: String) -> [UInt8] {
        let headers = call.headers
        let text = [
            "GET", origin, call.path, headers["Range"] ?? "", headers[PeerCall.sizeField] ?? "",
            headers[PeerCall.sourceField] ?? "", time, nonce,
        ]
        return HMACSHA256.make(of: text.joined(separator: "\n"), with: key)
    }
}

/// The calls that were accepted, for as long as their signatures are valid: each is accepted once.
struct PeerNonces {
    enum Verdict { case new, known, full }

    /// In each half; calls beyond that are refused, and the other replica asks the store.
    private static let most = 65_536
    /// A clock may be behind as well as ahead. In seconds.
    private static let lasting = 2 * PeerKey.window

    private var older: Set<String> = []
    private var newer: Set<String> = []
    private var turned = 0

    /// `now`: seconds on a clock that does not go back.
    mutating func take(_ nonce: String, now: Int) -> Verdict {
        if now - turned >= Self.lasting {
            older = now - turned >= 2 * Self.lasting ? [] : newer
            newer = []
            turned = now
        }
        if newer.contains(nonce) || older.contains(nonce) { return .known }
        guard newer.count < Self.most else { return .full }
        newer.insert(nonce)
        return .new
    }
}
