@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsValueTests {
    @Test(
        "A value that is accepted is read",
        arguments: [
            ("listen", "127.0.0.1:8080", "127.0.0.1:8080"),
            ("listen", "8080", "127.0.0.1:8080"),
            ("listen", "localhost:1", "127.0.0.1:1"),
            ("listen", "127.9.9.9:0", "127.9.9.9:0"),
            ("listen", "[::1]:8080", "[::1]:8080"),
            ("listen", "[0:0:0:0:0:0:0:1]:65535", "[::1]:65535"),
            ("listen", "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80"),
            ("access", "passthrough", "passthrough"),
            ("upstream", "https://huggingface.co", "https://huggingface.co"),
            ("upstream", "HTTPS://HuggingFace.co:443/", "https://huggingface.co"),
            ("upstream", "https://hub.internal:8443/hf/mirror-1/", "https://hub.internal:8443/hf/mirror-1"),
            ("upstream", "https://[2001:DB8::1]", "https://[2001:db8::1]"),
            ("upstream", "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("upstream", "http://localhost:9000", "http://localhost:9000"),
            ("upstream", "http://[::1]:9000", "http://[::1]:9000"),
            ("ca_file", "/etc/ssl/ca with blank.pem", "/etc/ssl/ca with blank.pem"),
            ("dns_server", "10.0.0.2", "10.0.0.2:53"),
            ("dns_server", "10.0.0.2:5353", "10.0.0.2:5353"),
            ("dns_server", "fd00::2", "[fd00::2]:53"),
            ("dns_server", "[fd00::2]:5353", "[fd00::2]:5353"),
            ("connect_timeout", "1ms", "1ms"),
            ("connect_timeout", "1500ms", "1500ms"),
            ("connect_timeout", "2m", "2m"),
            ("connect_timeout", "3600s", "1h"),
            ("request_timeout", "off", "off"),
            ("request_timeout", "0", "off"),
            ("request_timeout", "24h", "24h"),
            ("account_cache_ttl", "off", "off"),
            ("body_limit", "1024B", "1KiB"),
            ("body_limit", "1025B", "1025B"),
            ("body_limit", "64MiB", "64MiB"),
            ("field_limit", "1", "1"),
            ("workers", "1", "1"),
            ("workers", "256", "256"),
            ("workers", "auto", "auto"),
            ("max_connections_per_address", "0", "off"),
            ("max_connections_per_address", "7", "7"),
            ("log_level", "warning", "warning"),
            ("log_format", "json", "json"),
            ("access_log", "OFF", "off"),
            ("access_log", "no", "off"),
            ("access_log", "0", "off"),
            ("access_log", "false", "off"),
            ("sandbox", "Yes", "on"),
            ("sandbox", "1", "on"),
            ("sandbox", "true", "on"),
        ])
    func accepted(name: String, text: String, value: String) throws {
        let setting = try setting(name)
        let settings = try SettingsCase(arguments: ["\(setting.flag)=\(text)"]).settings()
        #expect(setting.text(settings) == value)
    }

    @Test(
        "A value that is not accepted is refused with the reason",
        arguments: [
            ("listen", "", "has no port"),
            ("listen", "nowhere", "has no port"),
            ("listen", "127.0.0.1", "has no port"),
            ("listen", "::1:8080", "is not understood"),
            ("listen", "[127.0.0.1]:80", "does not begin with an IP address"),
            ("listen", "[]:80", "does not begin with an IP address"),
            ("listen", "[fe80::1%eth0]:80", "does not begin with an IP address"),
            ("listen", "gate.example:80", "does not begin with an IP address"),
            ("listen", "127.0.0.1:65536", "the port must be from 1 to 65535"),
            ("listen", "99999", "the port must be from 1 to 65535"),
            ("listen", "[::1]:70000", "the port must be from 1 to 65535"),
            ("listen", "127.0.0.1:+80", "is not understood"),
            ("listen", "127.0.0.1: 80", "is not understood"),
            ("access", "Open", "is not understood"),
            ("upstream", "huggingface.co", "is not a URL"),
            ("upstream", "ftp://huggingface.co", "is neither https nor http"),
            ("upstream", "https://me:pw@huggingface.co", "has a user name"),
            ("upstream", "https://huggingface.co?x=1", "has a query or a fragment"),
            ("upstream", "https://huggingface.co/#x", "has a query or a fragment"),
            ("upstream", "https://", "has no valid host"),
            ("upstream", "https://:443", "has no valid host"),
            ("upstream", "https://a..b", "has no valid host"),
            ("upstream", "https://2130706433", "has no valid host"),
            ("upstream", "https://127.1", "has no valid host"),
            ("upstream", "https://hub\r\nX: y", "has no valid host"),
            ("upstream", "https://h\u{fc}b.example", "has no valid host"),
            ("upstream", "https://hub:0", "has no valid host and port"),
            ("upstream", "https://hub:", "has no valid host and port"),
            ("upstream", "https://hub/a/../b", "has a path"),
            ("upstream", "https://hub//b", "has a path"),
            ("upstream", "https://hub/%2e%2e", "has a path"),
            ("tls_cert", "", "is empty"),
            ("tls_cert", "a\nb", "has a control character"),
            ("dns_server", "dns.example", "is not an IP address"),
            ("dns_server", "10.0.0.2:0", "has port 0"),
            ("connect_timeout", "5", "has no unit"),
            ("connect_timeout", "5 s", "has an unknown unit"),
            ("connect_timeout", "1.5s", "has an unknown unit"),
            ("connect_timeout", "-5s", "is not understood"),
            ("connect_timeout", "s", "is not understood"),
            ("connect_timeout", "off", "is not understood"),
            ("connect_timeout", "0s", "is out of range"),
            ("connect_timeout", "3601s", "is out of range"),
            ("connect_timeout", "9223372036854775807h", "is out of range"),
            ("connect_timeout", "9223372036854775808s", "is not understood"),
            ("request_timeout", "500ms", "is out of range"),
            ("body_limit", "1MB", "has an unknown unit"),
            ("body_limit", "1024", "has no unit"),
            ("body_limit", "65MiB", "is out of range"),
            ("field_limit", "0", "is out of range"),
            ("field_limit", "1e3", "is not understood"),
            ("field_limit", "\u{661}", "is not understood"),
            ("workers", "0", "is out of range"),
            ("workers", "257", "is out of range"),
            ("workers", "-1", "is not understood"),
            ("workers", "", "is not understood"),
            ("workers", "Auto", "is not understood"),
            ("workers", "all", "is not understood"),
            ("log_level", "loud", "is not understood"),
            ("sandbox", "", "is not understood"),
            ("sandbox", "maybe", "is not understood"),
        ])
    func refused(name: String, text: String, reason: String) throws {
        let setting = try setting(name)
        let problems = SettingsCase(arguments: ["\(setting.flag)=\(text)"]).problems.filter { $0.contains(reason) }
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("flag \(setting.flag): \(name): \"") == true)
        #expect(problems.first?.hasSuffix("accepted: \(setting.accepted)") == true)
        #expect(problems.first?.contains { $0.isNewline } == false)
    }

    @Test("The defaults are those of the documentation")
    func defaults() throws {
        let settings = try SettingsCase().settings()
        #expect(settings.listen.map(\.description) == ["127.0.0.1:8080"])
        #expect(settings.upstream == .hub)
        #expect(settings.upstream.description == "https://huggingface.co")
        #expect(settings.access == .open)
        #expect(settings.token == nil)
        #expect(settings.config == nil)
        #expect(settings.sandbox == false)
        #expect(settings.accessLog == true)
        #expect(settings.stallTimeout == .seconds(60))
        #expect(settings.headLimit.bytes == 65_536)
    }

    @Test(
        "Every setting's default is one that its own kind accepts, and reads back the same",
        arguments: SettingsTable.all)
    func roundTrip(setting: Setting) throws {
        let initial = setting.text(Settings())
        guard !initial.isEmpty else { return }
        var settings = Settings()
        try setting.read(initial, &settings)
        #expect(setting.isSame(settings, Settings()))
    }

    @Test("Every field of Settings has a row in the table, and no name is there twice")
    func complete() {
        let fields = Mirror(reflecting: Settings()).children.filter { $0.label != "origins" }
        #expect(fields.count == SettingsTable.all.count)
        let names = SettingsTable.all.flatMap { [$0.name, $0.variable, $0.flag] + $0.aliases }
        #expect(Set(names).count == names.count)
    }

    @Test(
        "An authority has a port when it is not the scheme's own",
        arguments: [
            ("https://a", "a"), ("https://a:80", "a:80"), ("http://[::1]:80", "[::1]"), ("https://[::1]:1", "[::1]:1"),
        ])
    func authority(url: String, authority: String) throws {
        #expect(try UpstreamAddress(reading: url).authority == authority)
    }
}

extension Setting: CustomTestStringConvertible {
    public var testDescription: String { name }
}
