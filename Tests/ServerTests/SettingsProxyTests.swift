@testable import EventIO
@testable import HTTP
@testable import Server
import Testing

@Suite struct SettingsProxyTests {
    @Test(
        "An address of a proxy is http, or without a scheme, and has a port",
        arguments: [
            ("http://proxy.test:3128", "proxy.test", 3128), ("HTTP://Proxy.Test:3128/", "proxy.test", 3128),
            ("proxy.test:80", "proxy.test", 80), ("10.0.0.1:3128", "10.0.0.1", 3128),
            ("http://[FD00::1]:3128", "fd00::1", 3128), ("http://@proxy.test:1", "proxy.test", 1),
        ])
    func addresses(text: String, host: String, port: UInt16) throws {
        let proxy = try UpstreamProxy(reading: text)
        #expect(proxy.host == host && proxy.port == port && proxy.credentials == nil)
    }

    @Test(
        "What is no address of a proxy is an error",
        arguments: [
            "", "proxy", "http://proxy.test", "https://proxy.test:1", "socks5://proxy.test:1", "ftp://proxy.test:1",
            "http://proxy.test:0", "http://proxy.test:65536", "http://proxy.test:+1", "http://:3128",
            "http://proxy.test:1/a",
            "http://proxy.test:1?a", "http://proxy.test:1#a", "http://a b:1", "http://2130706433:1", "http://fd00::1:1",
            "http://a%zz:b@proxy.test:1", "http://a:b%0d@proxy.test:1", "http://a%3ab:c@proxy.test:1",
            "http://a:b%@proxy.test:1",
            "http://a:b/c@proxy.test:1", "http://proxy.test:1/@b:1", "http://a:b?c@proxy.test:1",
            "http://a:\(String(repeating: "b", count: 4096))@proxy.test:1",
        ])
    func faults(text: String) {
        #expect(throws: ValueError.self) { try UpstreamProxy(reading: text) }
    }

    @Test(
        "User and password become those of Basic (RFC 7617)",
        arguments: [
            ("Aladdin:open%20sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("a:b", "YTpi"), ("a", "YTo="), ("a:", "YTo="),
            ("a:b:c", "YTpiOmM="), ("a:b@c", "YTpiQGM="), ("a:b%40c", "YTpiQGM="), (":b", "OmI="),
            ("%C3%A9:%3e%3f", "w6k6Pj8="),
            ("a:%fb%ff", "YTr7/w=="),
        ])
    func credentials(userInfo: String, encoded: String) throws {
        let proxy = try UpstreamProxy(reading: "http://\(userInfo)@proxy.test:3128")
        #expect(proxy.credentials?.reveal() == encoded)
        #expect(proxy.description == "http://***@proxy.test:3128")
    }

    @Test("No error shows anything of an address that may hold a password")
    func quiet() {
        for url in [
            "socks5://u:sesame@proxy.test:1", "u:sesame://@proxy.test:1", "http://u:sesame%@proxy.test:1",
            "http://u:sesame@proxy",
            "http://u:ses/ame@proxy.test:1", "sesame",
        ] {
            let problems = SettingsCase(environment: ["HUBGATE_UPSTREAM_PROXY": url]).problems
            #expect(problems.count == 1 && problems.first?.contains("upstream_proxy: ***") == true, "\(problems)")
            #expect(!problems.joined().contains("ame"), "\(problems)")
        }
    }

    @Test("The environment's proxy is the weakest: it counts where nothing of ours gives one, and for https only")
    func conventions() throws {
        let there = ["HTTPS_PROXY": "env.test:1", "NO_PROXY": "a.test"]
        let settings = try SettingsCase(environment: there).settings()
        #expect(settings.upstreamProxy?.host == "env.test" && settings.upstreamProxy?.takesPlaintext == false)
        #expect(settings.noProxy.texts == ["a.test"])
        for (arguments, files) in [
            (["--upstream-proxy=own.test:1"], [:]), ([], ["config/hubgate.yaml": "upstream_proxy: own.test:1"]),
            ([], [".env": "HUBGATE_UPSTREAM_PROXY=own.test:1"]), (["--upstream-proxy-file=p"], ["p": "own.test:1\n"]),
        ] as [([String], [String: String])] {
            let settings = try SettingsCase(arguments: arguments, environment: there, files: files).settings()
            #expect(settings.upstreamProxy?.host == "own.test" && settings.upstreamProxy?.takesPlaintext == true)
            #expect(settings.noProxy == .none, "exceptions to another proxy")
        }
        let off = try SettingsCase(environment: there, files: ["config/hubgate.yaml": "upstream_proxy: off"]).settings()
        #expect(off.upstreamProxy == nil && off.noProxy == .none)
        let own = try SettingsCase(arguments: ["--no-proxy=b.test"], environment: there).settings()
        #expect(own.upstreamProxy?.host == "env.test" && own.noProxy.texts == ["b.test"])
    }

    @Test("The lower-case name wins, then that for https, and an empty variable is none; HTTP_PROXY is not read")
    func names() throws {
        func host(_ environment: [String: String]) throws -> String? {
            try SettingsCase(environment: environment).settings().upstreamProxy?.host
        }
        #expect(try host(["https_proxy": "a.test:1", "HTTPS_PROXY": "b.test:1", "all_proxy": "c.test:1"]) == "a.test")
        #expect(try host(["https_proxy": "", "HTTPS_PROXY": "b.test:1", "all_proxy": "c.test:1"]) == "b.test")
        #expect(try host(["ALL_PROXY": "d.test:1", "all_proxy": "c.test:1"]) == "c.test")
        #expect(try host(["HTTP_PROXY": "a.test:1", "http_proxy": "a.test:1"]) == nil)
        #expect(try host([:]) == nil)
    }

    @Test("Exceptions of the environment are not looked at where there is no proxy")
    func unused() throws {
        #expect(try SettingsCase(environment: ["NO_PROXY": "<local>;*.x"]).settings().noProxy == .none)
        let problems = SettingsCase(environment: ["NO_PROXY": "<local>", "HTTPS_PROXY": "a.test:1"]).problems
        #expect(problems.first?.hasPrefix("environment variable NO_PROXY: no_proxy: ") == true, "\(problems)")
    }

    @Test(
        "A password is refused as a flag and in the settings file, and taken from the environment, .env and a file of its own"
    )
    func places() throws {
        let url = "http://u:sesame@proxy.test:1"
        for refused in [
            SettingsCase(arguments: ["--upstream-proxy", url]),
            SettingsCase(files: ["config/hubgate.yaml": "upstream_proxy: \(url)"]),
        ] {
            #expect(refused.problems.count == 1 && refused.problems.first?.contains("upstream_proxy_file") == true)
            #expect(!refused.problems.joined().contains("sesame"))
        }
        for taken in [
            SettingsCase(environment: ["HUBGATE_UPSTREAM_PROXY": url]), SettingsCase(environment: ["https_proxy": url]),
            SettingsCase(files: [".env": "HUBGATE_UPSTREAM_PROXY=\(url)"]),
            SettingsCase(files: ["config/hubgate.yaml": "upstream_proxy_file: p", "p": url + "\r\n"]),
        ] {
            #expect(try taken.settings().upstreamProxy?.credentials != nil)
        }
    }

    @Test("Of upstream_proxy and its file the one from the stronger place counts; in one place they exclude each other")
    func file() throws {
        let both = SettingsCase(
            arguments: ["--upstream-proxy=a.test:1", "--upstream-proxy-file=p"], files: ["p": "b.test:1"])
        #expect(both.problems.first?.contains("give one of them") == true)
        let weaker = SettingsCase(
            environment: ["HUBGATE_UPSTREAM_PROXY_FILE": "p"],
            files: ["config/hubgate.yaml": "upstream_proxy: a.test:1", "p": "b.test:1"])
        #expect(try weaker.settings().upstreamProxy?.host == "b.test")
        let stronger = SettingsCase(
            arguments: ["--upstream-proxy=off"], environment: ["HUBGATE_UPSTREAM_PROXY_FILE": "p"],
            files: ["p": "b.test:1"])
        #expect(try stronger.settings().upstreamProxy == nil)
        for content in ["", "\n", "a.test", "a.test:1\nb.test:1", "http://u:sesame%@a.test:1"] {
            let problems = SettingsCase(arguments: ["--upstream-proxy-file=p"], files: ["p": content]).problems
            #expect(problems.count == 1 && !problems.joined().contains("sesame"), "\(content): \(problems)")
        }
    }
}
