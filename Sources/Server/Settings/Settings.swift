import EventIO
import HTTP
import Sandbox

/// What the operator decided, typed and checked. Each initial value here is the setting's default, from which its row
/// in `SettingsTable` takes it; name, meaning and limits are there.
struct Settings: Sendable {
    /// The file that was read, if one was.
    var config: String?

    /// At least one, no two of which overlap.
    var listen = [ListenAddress(address: IPAddress("127.0.0.1"), port: 8080)]
    /// Nil: the endpoints below `/-/` are at `listen` like all others.
    var adminListen: ListenAddress?
    var tlsCertificate = "certs/cert.pem"
    var tlsKey = "certs/key.pem"
    var access = Access.open
    var policy = KeyPolicy.enforce
    var protect: [ResourcePattern] = []
    /// Zero: repositories are deleted at once.
    var deleteGrace = Duration.zero
    /// Empty, or begins with a slash and ends without one.
    var basePath = ""
    /// Its path, if it has one, is `basePath`. Nil: the address by which a client reaches the gateway.
    var publicURL: UpstreamAddress?
    /// Whether there is a console, where `access` lets a client use it (`AdminAccess`).
    var console = true
    var proxyProtocol = false
    var trustedProxies = IPNetworks()

    var upstream = UpstreamAddress.hub
    var upstreamPlaintext = false
    /// Nil, once settings are read: this Hub has none.
    var inferenceUpstream: UpstreamAddress? = .inferenceRouter
    /// Nil: the client decides.
    var billTo: String?
    /// From `token_file` too, once settings are read.
    var token: Secret?
    var tokenFile: String?
    var signingKey: Secret?
    var signingKeyFile: String?
    /// With the tokens, once settings are read.
    var credentials: CredentialsDirectory?
    var roles = TeamRoles()
    /// With the content of files of keys, once settings are read.
    var logins = LoginRules()
    /// The role of devices' keys; `approversRole`: that of the key which confirms. Nil: no device gets a key.
    var loginRole: String?
    var loginLifetime = Duration.seconds(30 * 86_400)
    /// The authorities of clients' certificates; nil: no client is asked for one.
    var clientAuthorities: String?
    /// Their revocation lists; nil: none.
    var clientRevocationLists: String?
    var clientRules = ClientRules()
    var stateDirectory = "/var/lib/hubgate"
    /// Empty: there is no audit.
    var auditDirectory = ""
    var auditRotateSize = ByteCount.mebibytes(100)
    /// In days. Zero: for ever.
    var auditKeep = 0
    /// In days. Zero: no usage is counted.
    var usageDays = 90
    /// Nil: the system's certificate authorities.
    var authorities: String?
    /// From `upstream_proxy_file` too, once settings are read. Nil: no proxy.
    var upstreamProxy: UpstreamProxy?
    var upstreamProxyFile: String?
    var noProxy = NoProxy.none
    var trustedOrigins = TrustedOrigins.none
    var contentHosts = DomainNames(
        names: ["huggingface.co", "hf.co", "hf-hub-lfs-us-east-1.s3-accelerate.amazonaws.com"])
    var xet = XetChoice.auto
    var strictLeaks = false
    /// Nil: those of /etc/resolv.conf.
    var nameServer: NameServer?
    var accountCacheTTL = Duration.seconds(10)
    /// Zero: no call waits.
    var budgetWait = Duration.seconds(20)
    var clientProbes = ClientProbes.answer

    var metadataTTL = Duration.seconds(10)
    /// Zero: a stale response is fetched again before it is given out.
    var metadataStale = Duration.seconds(10)
    /// Zero: no stale response stands in for an error.
    var staleIfError = Duration.seconds(86_400)
    /// Zero: nothing is kept.
    var cacheMemory = ByteCount.mebibytes(64)
    var cacheObjectLimit = ByteCount.mebibytes(1)
    /// Empty: no files are kept.
    var cacheDirectory = ""
    var cacheSize = CacheSize.bytes(100 << 30)
    var cacheFinish = ByteCount.mebibytes(256)
    /// Empty: this gateway shares its files with no other.
    var peers = PeerOrigins.none
    var peerSelf: UpstreamAddress?
    var peerSecret: PeerSecret?
    /// Nil: the system's certificate authorities.
    var peerAuthorities: String?

    var connectTimeout = Duration.seconds(5)
    var firstByteTimeout = Duration.seconds(60)
    var stallTimeout = Duration.seconds(60)
    var inferenceTimeout = Duration.seconds(600)
    /// Zero: none.
    var sseKeepAlive = Duration.seconds(15)
    /// Zero: none.
    var requestTimeout = Duration.zero
    var handshakeTimeout = Duration.seconds(10)
    var headTimeout = Duration.seconds(10)
    var bodyTimeout = Duration.seconds(60)
    var idleTimeout = Duration.seconds(75)
    var writeTimeout = Duration.seconds(60)
    var idleDownloadTimeout = Duration.seconds(600)
    var drainTimeout = Duration.seconds(30)
    /// Zero: none.
    var drainDelay = Duration.zero

    var bodyLimit = ByteCount.mebibytes(1)
    var headLimit = ByteCount.kibibytes(64)
    var targetLimit = ByteCount.kibibytes(8)
    var fieldLimit = 100
    var maxConnections = 10_000
    /// Zero: no such limit.
    var maxConnectionsPerAddress = 0
    /// Zero: no such limit.
    var maxRequestsPerConnection = 10_000
    var bufferedLimit = ByteCount.mebibytes(64)
    var upstreamConnections = 256
    var upstreamQueue = 1024

    var workers = WorkerCount.fixed(1)
    var logLevel = LogLevel.info
    var logFormat = LogFormat.auto
    var accessLog = true
    var coalesce = true
    var sandbox = false
    /// Nil: the sandbox has no limits.
    var sandboxLimits: SandboxLimits?
    /// Nil: `hubgate`, else `nobody`.
    var user: String?
    var sandboxing = true

    /// Nil: no traces are exported.
    var otlpEndpoint: UpstreamAddress?
    /// From `otlp_headers_file` too, once settings are read.
    var otlpHeaders: OTLPHeaders?
    var otlpHeadersFile: String?
    var otlpSample = SampleShare.all

    /// Where the value of a setting comes from, in words, by the setting's name; a missing one has its default.
    var origins: [String: String] = [:]
}

extension Settings {
    /// The value of `login_role` that means the role of the key that confirms.
    static let approversRole = "approver"

    /// The authority for clients, where the certificate is of the pair that `make certs` makes; else nil.
    var exampleAuthority: String? {
        tlsCertificate == "certs/cert.pem" || tlsCertificate == SettingsReading.mountedCertificate
            ? "certs/ca.pem" : nil
    }
}

extension Settings {
    /// A token is meant for the Hub and the callers that the same settings name.
    private static let tokenNames = ["token", "token_file", "credentials_dir"]
    private static let tokenScope = ["upstream", "inference_upstream", "access"]

    /// After a SIGHUP: the part of `new` that takes effect now, and the names of settings that differ and need a restart.
    ///
    /// While a new `upstream`, `inference_upstream` or `access` waits for the restart, so does a new token: the old Hub or callers must not get a token that
    /// was written for the new ones.
    func reloaded(from new: Settings) -> (settings: Settings, needRestart: [String]) {
        let different = SettingsTable.all.filter { !$0.isSame(self, new) }
        let tokenWaits = different.contains { Self.tokenScope.contains($0.name) }
        var settings = self
        var needRestart: [String] = []
        for setting in different {
            if setting.isReloadable, !(tokenWaits && Self.tokenNames.contains(setting.name)) {
                setting.copy(new, &settings)
                settings.origins[setting.name] = new.origins[setting.name]
            } else {
                needRestart.append(setting.name)
            }
        }
        return (settings, needRestart)
    }

    /// The names of the settings that differ in `new`.
    func differences(from new: Settings) -> [String] {
        SettingsTable.all.filter { !$0.isSame(self, new) }.map(\.name)
    }
}
