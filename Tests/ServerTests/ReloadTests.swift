@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("A reload")
struct ReloadTests {
    @Test("takes what can change while serving, and names what cannot")
    func decision() throws {
        let old = try SettingsCase(environment: ["HF_TOKEN": "old"]).settings()
        let new = try SettingsCase(
            arguments: ["--listen=9", "--log-level=debug", "--idle-timeout=1s", "--drain-delay=5s"],
            environment: ["HF_TOKEN": "new"]
        ).settings()
        let (settings, needRestart) = old.reloaded(from: new)
        #expect(settings.logLevel == .debug)
        #expect(settings.idleTimeout == .seconds(1))
        #expect(settings.token?.reveal() == "new")
        #expect(settings.listen[0].port == 8080)
        #expect(needRestart == ["listen"])
        #expect(old.differences(from: settings) == ["token", "idle_timeout", "drain_delay", "log_level"])
        #expect(new.reloaded(from: new).needRestart.isEmpty)
        #expect(new.differences(from: new).isEmpty)
    }

    @Test(
        "does not give a token to a Hub, or to callers, that it was not written for",
        arguments: ["--upstream=https://h", "--access=passthrough", "--inference-upstream=https://h"])
    func tokenWaits(change: String) throws {
        let old = try SettingsCase(environment: ["HF_TOKEN": "old"]).settings()
        let files = ["t": "new"]
        let new = try SettingsCase(arguments: [change, "--token-file=t", "--log-level=debug"], files: files).settings()
        let (settings, needRestart) = old.reloaded(from: new)
        #expect(settings.token?.reveal() == "old")
        #expect(settings.tokenFile == nil)
        #expect(settings.logLevel == .debug)
        #expect(Set(needRestart).isSuperset(of: ["token", "token_file"]))
        // Another Hub has no router of its own accord.
        #expect(needRestart.count == (change.hasPrefix("--upstream") ? 4 : 3))
    }

    @Test("keeps no token that was replaced")
    func oldTokenGoes() throws {
        weak var old: Secret?
        var settings = try SettingsCase(environment: ["HF_TOKEN": "old"]).settings()
        old = settings.token
        #expect(old != nil)
        settings = settings.reloaded(from: try SettingsCase(environment: ["HF_TOKEN": "new"]).settings()).settings
        #expect(old == nil)
    }

    @Test("says in one line what is wrong with a setting or with the certificate")
    func refusals() throws {
        let good = try SettingsCase(arguments: ["--tls-cert=/nowhere/c.pem", "--tls-key=/nowhere/k.pem"]).settings()
        let bad = SettingsCase(
            arguments: ["--idle-timeout=x"], environment: ["HUBGATE_LOG_LEVEL": "loud"])
        let lines = [bad.result, .success(.serve(good)), .success(.version)].map { reading in
            switch Reload.decide(good, reading) {
            case .success: "it was taken"
            case .failure(let refusal): refusal.description
            }
        }
        #expect(
            lines[0].contains("idle_timeout: \"x\"") && lines[0].contains("; environment variable HUBGATE_LOG_LEVEL"))
        #expect(
            lines[1].hasPrefix("Not reloaded, all stays as it was: tls_cert: the certificate /nowhere/c.pem cannot"))
        #expect(lines.allSatisfy { !$0.contains("\n") && $0.hasPrefix("Not reloaded") })
    }
}

@Suite("The certificate's end")
struct CertificateWatchTests {
    @Test(
        "is announced thirty days before",
        arguments: [
            (31 * 86_400, nil), (30 * 86_400, nil), (30 * 86_400 - 1, "expires in 29 days"),
            (2 * 86_400 - 1, "expires in 1 day."), (3600, "expires within a day"), (0, "has expired"),
            (-5, "has expired"),
        ] as [(Int, String?)])
    func warning(left: Int, words: String?) {
        let warning = CertificateWatch.warning("/c.pem", expires: 1_000_000 + left, now: 1_000_000)
        if let words {
            #expect(warning?.contains(words) == true && warning?.contains("/c.pem") == true)
        } else {
            #expect(warning == nil)
        }
    }
}

@Suite("The limit of descriptors")
struct DescriptorLimitTests {
    @Test("leaves calls to the Hub their share", arguments: [(1 << 20, 10_000), (1024, 736), (64, 16), (10, 1)])
    func clients(limit: Int, clients: Int) {
        #expect(DescriptorLimit.clients(Settings(), of: limit) == clients)
        let warning = DescriptorLimit.warning(Settings(), of: limit)
        #expect((warning == nil) == (limit > 11_000))
        #expect(warning?.contains("is \(limit),") != false)
    }
}

@Suite("The service manager's socket")
struct NotifyTests {
    @Test("is a path or an abstract name")
    func address() {
        #expect(SystemdNotifier.address("/run/n") == Array("/run/n".utf8))
        #expect(SystemdNotifier.address("@n") == [0, UInt8(ascii: "n")])
        #expect(
            SystemdNotifier.address("").isEmpty && SystemdNotifier.address("@").isEmpty
                && SystemdNotifier.address("vsock:2:3").isEmpty)
        #expect(SystemdNotifier.address("/" + String(repeating: "a", count: 107)).isEmpty)
    }
}
