import EventIO
@testable import Server
import Testing

/// The settings of what stands before the gateway: `listen`, `trusted_proxies`, `proxy_protocol`, `public_url`.
@Suite("Settings of networks before the gateway")
struct NetworkSettingsTests {
    @Test(
        "listen is a list: with commas, as a list in the file, and by a flag that is given twice",
        arguments: [
            SettingsCase(arguments: ["--listen", "127.0.0.1:8080, [::1]:8080"]),
            SettingsCase(arguments: ["--listen", "127.0.0.1:8080", "--listen=[::1]:8080"]),
            SettingsCase(environment: ["HUBGATE_LISTEN": "8080,[::1]:8080"]),
            SettingsCase(files: ["config/hubgate.yaml": "listen: '127.0.0.1:8080, [::1]:8080'"]),
            SettingsCase(files: ["config/hubgate.yaml": "listen: [127.0.0.1:8080, '[::1]:8080']"]),
            SettingsCase(files: ["config/hubgate.yaml": "listen:\n  - 127.0.0.1:8080\n  - \"[::1]:8080\"\naccess: open"]
            ),
        ])
    func list(given: SettingsCase) throws {
        #expect(try given.settings().listen.map(\.description) == ["127.0.0.1:8080", "[::1]:8080"])
    }

    @Test("what a flag says replaces what stronger than it does not: the lists of two places are not one")
    func places() throws {
        let given = SettingsCase(arguments: ["--listen", "1"], environment: ["HUBGATE_LISTEN": "2,3"])
        #expect(try given.settings().listen.map(\.port) == [1])
    }

    @Test(
        "addresses that are one, or contain each other, are refused",
        arguments: [
            ("8080,127.0.0.1:8080", "has 127.0.0.1:8080 twice"),
            (":8080,127.0.0.1:8080", "has 127.0.0.1:8080 and :8080, which are one address"),
            ("[::1]:8080,0.0.0.0:8080", "which are one address"),
            (":8080,[::]:8080", "which are one address"),
            ("127.0.0.1:8080,[::ffff:127.0.0.1]:8080", "which are one address"),
            ("8080,", "has an empty entry"),
            (",8080", "has an empty entry"),
            ("8080,localhost", "has no port"),
            ((1...17).map(String.init).joined(separator: ","), "has more than 16 addresses"),
        ])
    func overlapping(value: String, reason: String) {
        let problems = SettingsCase(arguments: ["--access", "open", "--listen", value]).problems
        #expect(problems.count == 1)
        #expect(problems.allSatisfy { $0.contains("flag --listen: listen: ") && $0.contains(reason) }, "\(problems)")
    }

    @Test(
        "the same port at two addresses, and free ports, are different ones",
        arguments: ["127.0.0.1:1,127.0.0.2:1", "0,0", ":0,127.0.0.1:0", ":1,127.0.0.1:2"])
    func different(value: String) {
        #expect(SettingsCase(arguments: ["--access", "open", "--listen", value]).problems.isEmpty)
    }

    @Test("each address is judged: access has to be chosen, admin_listen is another, the Hub is not the gateway")
    func each() {
        #expect(
            SettingsCase(arguments: ["--listen", "8080,10.0.0.1:8080"]).problems.first?.contains(
                "10.0.0.1:8080 can be reached") == true)
        let admin = SettingsCase(arguments: ["--listen", "1,2", "--admin-listen", "2"]).problems
        #expect(admin.first?.contains("127.0.0.1:2 is taken by listen") == true)
        let hub = SettingsCase(arguments: ["--listen", "1,2", "--upstream", "http://127.0.0.1:2"]).problems
        #expect(hub.first?.contains("is this gateway itself") == true)
    }

    @Test("a list is for settings that are lists")
    func lists() {
        let problems = SettingsCase(files: ["config/hubgate.yaml": "upstream: [https://a.example]"]).problems
        #expect(problems.first?.contains("upstream: a list is not accepted; give one value") == true)
        let nested = SettingsCase(files: ["config/hubgate.yaml": "listen: [[1]]"]).problems
        #expect(nested.first?.contains("a list is not accepted here") == true)
        let mapping = SettingsCase(files: ["config/hubgate.yaml": "listen: [{a: b}]"]).problems
        #expect(mapping.first?.contains("a nested mapping is not accepted") == true)
    }

    @Test(
        "trusted_proxies takes addresses and networks of both families",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.7/32, 10.1.0.0/16", "192.0.2.7,10.1.0.0/16"),
            ("FD00::/8,2001:db8::1", "fd00::/8,2001:db8::1"), ("::ffff:10.0.0.1", "10.0.0.1"),
            ("128.0.0.0/1", "128.0.0.0/1"),
            ("2001:db8:0:1::/64", "2001:db8:0:1::/64"), ("8000::/1", "8000::/1"), ("2001:db8::/65", "2001:db8::/65"),
        ])
    func trusted(value: String, written: String) throws {
        let codec = ValueCodec<IPNetworks>.networks
        let networks = try codec.read(value)
        #expect(codec.text(networks) == written)
        #expect(try codec.read(written) == networks)
    }

    @Test(
        "what is no network is refused, and so is every address",
        arguments: [
            ("10.0.0.0/33", "prefix is too long"), ("fd00::/129", "prefix is too long"), ("10.0.0.0/", "no number"),
            ("10.0.0.0/+8", "no number"), ("10.0.0.1/8", "inside of 10.0.0.0/8"), ("fd00::1/64", "inside of fd00::/64"),
            ("0.0.0.0/0", "trusts every address"), ("::/0", "trusts every address"), ("localhost", "no IP address"),
            ("", "no IP address"),
            ("10.0.0.1,", "no IP address"), ("10.0.0", "no IP address"), ("10.0.0.1:80", "no IP address"),
        ])
    func untrusted(value: String, reason: String) {
        #expect(throws: ValueError.self) { try ValueCodec<IPNetworks>.networks.read(value) }
        do throws(ValueError) {
            _ = try ValueCodec<IPNetworks>.networks.read(value)
        } catch {
            #expect(error.reason.contains(reason), "\(error.reason)")
        }
    }

    @Test(
        "a network contains its addresses and no others",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "a00::", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
            ("128.0.0.0/1", "200.0.0.1", true), ("128.0.0.0/1", "127.0.0.1", false), ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false), ("2001:db8::/64", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::/64", "2001:db8:0:1::1", false), ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
            ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::2", false), ("8000::/1", "10.0.0.1", false),
        ])
    func contains(network: String, address: String, expected: Bool) throws {
        let networks = try ValueCodec<IPNetworks>.networks.read("203.0.113.0/24,\(network)")
        #expect(networks.contains(try #require(IPNumber(address))) == expected)
    }

    @Test("proxy_protocol needs to know whose headers to believe")
    func proxyProtocol() {
        #expect(
            SettingsCase(arguments: ["--proxy-protocol"]).problems.first?.contains("trusted_proxies is empty")
                == true)
        #expect(SettingsCase(arguments: ["--proxy-protocol", "--trusted-proxies", "10.0.0.1"]).problems.isEmpty)
    }

    @Test("the path of public_url is base_path")
    func publicURL() throws {
        let both = SettingsCase(arguments: ["--public-url", "https://gate.example/hf", "--base-path", "/hf"])
        #expect(try both.settings().basePath == "/hf")
        let alone = SettingsCase(arguments: ["--public-url", "https://gate.example:8443/hf/"])
        #expect(try alone.settings().basePath == "/hf")
        #expect(try alone.settings().publicURL?.origin == "https://gate.example:8443")
        let pathless = SettingsCase(arguments: ["--public-url", "https://gate.example", "--base-path", "/hf"])
        #expect(try pathless.settings().basePath == "/hf")
        let other = SettingsCase(arguments: ["--public-url", "https://gate.example/a", "--base-path", "/b"]).problems
        #expect(other.first?.contains("has the path /a, and base_path is /b") == true)
        let dotted = SettingsCase(arguments: ["--public-url", "https://gate.example/a.b"]).problems
        #expect(dotted.first?.contains("which is base_path then") == true)
    }

    @Test(
        "what is no origin is no public_url",
        arguments: [
            "gate.example", "ftp://gate.example", "https://", "https://user@gate.example", "https://gate.example?a",
            "https://gate.example#a",
            "https://gate.example:0", "https://gate.example/../a", "https://2130706433", "https://[::1", "https://a b",
        ])
    func noURL(value: String) {
        #expect(SettingsCase(arguments: ["--public-url", value]).problems.first?.contains("public_url") == true)
    }

    @Test("a reload takes trusted_proxies and proxy_protocol up, and public_url waits for a restart")
    func reload() throws {
        let old = try SettingsCase().settings()
        let new = try SettingsCase(
            arguments: ["--trusted-proxies", "10.0.0.1", "--proxy-protocol", "--public-url", "https://gate.example/hf"]
        ).settings()
        let (settings, needRestart) = old.reloaded(from: new)
        #expect(settings.proxyProtocol)
        #expect(!settings.trustedProxies.isEmpty)
        #expect(settings.publicURL == nil && settings.basePath.isEmpty)
        #expect(needRestart.sorted() == ["base_path", "public_url"])
    }
}
