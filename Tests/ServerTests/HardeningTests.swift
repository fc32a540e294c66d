@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Hardening")
struct HardeningTests {
    private static let service = UserAccount(testing: "hubgate", 999)
    private static let nobody = UserAccount(testing: "nobody", 65_534)
    private static let root = UserAccount(testing: "root", 0)

    private func user(_ name: String?, effective: UInt32, there: [UserAccount]) throws -> ServiceUser {
        try ServiceUser(name, effective: effective) { wanted in there.first { $0.name == wanted } }
    }

    @Test("Root becomes the user of the setting, else hubgate, else nobody; with user = root it stays")
    func users() throws {
        let everybody = [Self.root, Self.nobody, Self.service]
        #expect(try user(nil, effective: 0, there: everybody) == .becomes(Self.service))
        #expect(try user(nil, effective: 0, there: [Self.root, Self.nobody]) == .becomes(Self.nobody))
        #expect(try user("nobody", effective: 0, there: everybody) == .becomes(Self.nobody))
        #expect(try user("root", effective: 0, there: everybody) == .unchanged)
        #expect(throws: ServiceUser.Fault.self) { try user(nil, effective: 0, there: [Self.root]) }
        #expect(throws: ServiceUser.Fault.self) { try user("absent", effective: 0, there: everybody) }
    }

    @Test("Who is not root stays who it is, and may not be asked to be another")
    func others() throws {
        let everybody = [Self.root, Self.nobody, Self.service]
        #expect(try user(nil, effective: 1000, there: everybody) == .unchanged)
        #expect(try user("hubgate", effective: 999, there: everybody) == .unchanged)
        #expect(throws: ServiceUser.Fault.self) { try user("hubgate", effective: 1000, there: everybody) }
        #expect(throws: ServiceUser.Fault.self) { try user("root", effective: 1000, there: everybody) }
    }

    /// Mode, owner, group, whether it is a secret, whether it is warned of, for a process of user 999 in group 999.
    @Test(
        "A secret is for its owner, and for the group of a process that does not own it",
        arguments: [
            (0o600, 999, 999, true, false), (0o400, 0, 0, true, false), (0o644, 999, 999, true, true),
            (0o604, 999, 999, true, true), (0o640, 999, 999, true, true), (0o640, 0, 999, true, false),
            (0o440, 0, 999, true, false), (0o640, 0, 4, true, true), (0o660, 0, 999, true, true),
            (0o602, 999, 999, true, true), (0o644, 0, 0, false, false), (0o664, 999, 999, false, false),
            (0o666, 0, 0, false, true),
        ] as [(UInt32, UInt32, UInt32, Bool, Bool)])
    func permissions(mode: UInt32, owner: UInt32, group: UInt32, isSecret: Bool, isWarned: Bool) {
        let warning = FilePermissions.warning(
            "f", .init(mode: mode, owner: owner, group: group), isSecret: isSecret,
            for: .init(user: 999, groups: [999]))
        #expect((warning != nil) == isWarned, "\(warning ?? "none")")
    }

    @Test("A warning says which file, what mode and what to do, in one line")
    func warning() {
        let reader = FilePermissions.Reader(user: 1, groups: [1])
        #expect(
            FilePermissions.warning(
                "certs/key.pem", .init(mode: 0o644, owner: 1, group: 1), isSecret: true, for: reader)
                == "Others can read \("certs/key.pem".shown), which is secret (mode 0644): chmod 600 \("certs/key.pem".shown)"
        )
        #expect(
            FilePermissions.warning("a", .init(mode: 0o606, owner: 1, group: 1), isSecret: false, for: reader)
                == "Others can change \("a".shown) (mode 0606): chmod o-w \("a".shown)")
    }

    @Test("What Kubernetes and Swarm mount for a container alone may be readable, and not writable")
    func mounted() {
        #expect(FilePermissions.isMountedSecret("/certs/..2026_11_28_18_00_00.1/tls.key"))
        #expect(FilePermissions.isMountedSecret("/run/secrets/hf_token"))
        for path in ["/etc/hubgate/key.pem", "/home/..", "/run/secretsx/key", "/a..b/key"] {
            #expect(FilePermissions.isMountedSecret(path) == (path == "/home/.."))
        }
        let facts = FilePermissions.Facts(mode: 0o644, owner: 0, group: 0, isMountedSecret: true)
        #expect(FilePermissions.warning("k", facts, isSecret: true, for: .init(user: 1, groups: [1])) == nil)
        var open = facts
        open.mode = 0o666
        #expect(FilePermissions.warning("k", open, isSecret: true, for: .init(user: 1, groups: [1])) != nil)
    }

    @Test("A file stays readable by its directory and by the one that its link leads to; of the root only the file")
    func paths() {
        var settings = Settings()
        settings.tlsCertificate = "/certs/tls.crt"
        settings.tlsKey = "/key.pem"
        settings.tokenFile = "token"
        settings.upstreamProxyFile = "/secrets/proxy"
        let real = [
            "/certs": "/certs", "/certs/tls.crt": "/certs/..1/tls.crt", "/": "/", "/key.pem": "/key.pem", ".": "/",
            "token": "/token", ".env": "/.env", "/etc": "/etc",
            "/secrets": "/secrets", "/secrets/proxy": "/secrets/proxy",
        ]
        let paths = ReadablePaths(settings, process: "/proc/self") { real[$0] }.paths
        for wanted in ["/certs", "/certs/..1", "/key.pem", "/token", "/.env", "/proc/self", "/etc", "/secrets"] {
            #expect(paths.contains(wanted), "\(wanted) in \(paths)")
        }
        #expect(!paths.contains("/") && !paths.contains("."))
        #expect(Set(paths).count == paths.count)
    }

    @Test("The ports that stay are those of the Hub, the router, all content hosts, the name server and the proxy")
    func ports() throws {
        var settings = Settings()
        settings.upstream = try UpstreamAddress(reading: "https://hub.test:8443")
        settings.contentHosts.origins = ["https://minio.internal:9000", "http://127.0.0.1"]
        #expect(Set(Hardening.ports(settings)) == [443, 53, 8443, 9000, 80])
        settings.nameServer = NameServer(address: try #require(IPAddress("127.0.0.1")), port: 5353)
        #expect(Set(Hardening.ports(settings)) == [443, 5353, 8443, 9000, 80])
        settings.upstreamProxy = try UpstreamProxy(reading: "proxy.test:3128")
        #expect(Set(Hardening.ports(settings)) == [443, 5353, 8443, 9000, 80, 3128])
    }

    @Test("The name of a user is one that useradd takes", arguments: ["hubgate", "_x", "www-data", "a.b"])
    func names(name: String) throws {
        var settings = Settings()
        let setting = try #require(SettingsTable.all.first { $0.name == "user" })
        try setting.read(name, &settings)
        #expect(settings.user == name)
        for wrong in ["", "-x", "a b", "a:b", "../x", String(repeating: "a", count: 33)] {
            #expect(throws: ValueError.self) { try setting.read(wrong, &settings) }
        }
    }
}

extension UserAccount {
    fileprivate init(testing name: String, _ number: UInt32) {
        self.init(name: name, user: number, group: number)
    }
}
