import EventIO
import HTTP

/// The origins of all replicas that share their files, this one among them.
struct PeerOrigins: Equatable, Sendable {
    static let none = PeerOrigins()
    /// A bound, since each replica is weighed for each file that is fetched.
    static let most = 64

    private(set) var addresses: [UpstreamAddress] = []

    private init() {}

    /// Origins with commas between them.
    init(reading text: String) throws(ValueError) {
        guard !text.isEmpty else { return }
        let entries = ListText.parts(text)
        guard entries.count <= Self.most else { throw ValueError("has more than \(Self.most) origins") }
        for entry in entries {
            let address = try Self.address(String(entry))
            guard !addresses.contains(address) else { throw ValueError("has \(address.origin) twice") }
            addresses.append(address)
        }
    }

    /// The address of one of them: another replica has to derive the same text for it.
    static func address(_ text: String) throws(ValueError) -> UpstreamAddress {
        guard !text.isEmpty else { throw ValueError("has an empty entry") }
        let address: UpstreamAddress
        do throws(ValueError) {
            address = try UpstreamAddress(reading: text)
        } catch {
            throw ValueError("has \(text.shown), which \(error.reason)")
        }
        guard address.scheme == .https else { throw ValueError("has \(text.shown), which is not https") }
        guard address.pathPrefix.isEmpty else { throw ValueError("has \(text.shown), which has a path") }
        return address
    }
}

/// The secret by which replicas know each other.
struct PeerSecret: Equatable, Sendable {
    let path: String
    /// The file's content, once settings are read.
    var secret: Secret?
}

extension ValueCodec where Value == PeerOrigins {
    static var peerOrigins: ValueCodec {
        ValueCodec(
            name: "ORIGINS", accepted: "https://HOST[:PORT], several with commas between them", isList: true,
            read: { (text) throws(ValueError) in try PeerOrigins(reading: text) },
            text: { $0.addresses.map(\.origin).joined(separator: ",") })
    }
}

extension ValueCodec where Value == UpstreamAddress? {
    static var peerOriginOrNothing: ValueCodec {
        ValueCodec<UpstreamAddress>(
            name: "ORIGIN", accepted: "https://HOST[:PORT]",
            read: { (text) throws(ValueError) in try PeerOrigins.address(text) },
            text: \.origin
        ).orNothing()
    }
}

extension ValueCodec where Value == PeerSecret? {
    static var peerSecretOrNothing: ValueCodec {
        ValueCodec<PeerSecret>(
            name: "PATH", accepted: "the path of a file",
            read: { (text) throws(ValueError) in PeerSecret(path: try ValueCodec<String>.path.read(text)) },
            text: \.path
        ).orNothing()
    }
}

extension SettingsReading {
    private static let shortestSecret = 32

    mutating func checkPeers() {
        guard !settings.peers.addresses.isEmpty else {
            for name in ["peer_self", "peer_secret_file", "peer_ca_file"] where chosen[name] != nil {
                refuse(name, "is given without peers, which says who the others are")
            }
            return
        }
        if settings.cacheDirectory.isEmpty {
            refuse("peers", "share the files of cache_dir, and that is off; give it a directory")
        }
        if let own = settings.peerSelf {
            if !settings.peers.addresses.contains(own) {
                refuse("peer_self", "\(own.origin) is none of peers; write it as it stands there")
            }
        } else {
            refuse("peers", "is given without peer_self, which says which of them this gateway is")
        }
        readPeerSecret()
    }

    private mutating func readPeerSecret() {
        guard let file = settings.peerSecret else {
            return refuse(
                "peers",
                "is given without peer_secret_file, by which they know each other: openssl rand -base64 32 makes a secret, the same for all"
            )
        }
        guard let content = content(at: file.path, for: "peer_secret_file") else { return }
        do throws(Secret.Flaw) {
            let secret = try Secret(file: content)
            guard secret.count >= Self.shortestSecret else {
                return refuse(
                    "peer_secret_file",
                    "the secret in \(file.path.shown) has \(secret.count) characters; \(Self.shortestSecret) or more are needed: openssl rand -base64 32"
                )
            }
            settings.peerSecret?.secret = secret
        } catch {
            refuse("peer_secret_file", "the secret in \(file.path.shown) \(error)")
        }
    }
}
