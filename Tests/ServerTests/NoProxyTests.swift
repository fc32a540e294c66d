@testable import EventIO
@testable import Server
import Testing

@Suite struct NoProxyTests {
    private func covers(_ list: String, _ host: String, _ port: UInt16 = 443) throws -> Bool {
        try NoProxy(reading: list).covers(host, port: port)
    }

    @Test(
        "A name stands for itself and all below it, with or without a dot before it, in any case",
        arguments: [
            "example.org", ".example.org", "*.example.org", "EXAMPLE.org.", "a, example.org", "a example.org,b",
        ])
    func domains(list: String) throws {
        for host in ["example.org", "a.example.org", "a.b.example.org", "EXAMPLE.ORG", "a.example.org."] {
            #expect(try covers(list, host), "\(host)")
        }
        for host in ["example.com", "badexample.org", "example.org.evil.test", "org", "10.0.0.1", "::1"] {
            #expect(try !covers(list, host), "\(host)")
        }
    }

    @Test("An asterisk alone is everybody, and an empty list nobody")
    func extremes() throws {
        for host in ["example.org", "10.0.0.1", "2001:db8::1"] {
            #expect(try covers("*", host))
            #expect(try covers("a, *", host))
            #expect(try !covers("", host))
            #expect(try !covers(" , ,", host))
        }
    }

    @Test("An address stands for itself, however it is written, and no name ends in it")
    func addresses() throws {
        #expect(try covers("10.0.0.1", "10.0.0.1"))
        #expect(try !covers("10.0.0.1", "10.0.0.11"))
        #expect(try !covers("10.0.0.1", "a.10.0.0.1"))
        #expect(try covers("2001:DB8:0::1", "2001:db8::1"))
        #expect(try covers("[2001:db8::1]", "2001:db8::1"))
        #expect(try covers("::ffff:10.0.0.1", "10.0.0.1"))
        #expect(try covers("10.0.0.1", "::ffff:10.0.0.1"))
        #expect(try !covers("localhost", "127.0.0.1"))
    }

    @Test(
        "A network holds the addresses that begin with its bits",
        arguments: [
            ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("192.168.0.0/20", "192.168.15.255", true), ("192.168.0.0/20", "192.168.16.0", false),
            ("10.1.2.3/32", "10.1.2.3", true), ("10.1.2.3/32", "10.1.2.2", false),
            ("10.1.2.3/31", "10.1.2.2", true), ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "2001:db8::1", false),
            ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::1", false), ("::/0", "2001:db8::1", true),
            ("[fd00::]/8", "fd00::1", true), ("10.0.0.0/8", "10.example.org", false),
        ])
    func networks(list: String, host: String, isCovered: Bool) throws {
        #expect(try covers(list, host) == isCovered)
    }

    @Test("With a port an entry stands for that port alone")
    func ports() throws {
        for (list, host) in [
            ("example.org:8443", "a.example.org"), ("10.0.0.1:8443", "10.0.0.1"), ("[fd00::1]:8443", "fd00::1"),
        ] {
            #expect(try covers(list, host, 8443))
            #expect(try !covers(list, host, 443))
        }
    }

    @Test(
        "What is no host, domain, address or network is an error that shows it",
        arguments: [
            "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0", "10.*", "256.1.1.1", "a/b",
            "http://a.test",
            "a..b", "..a", "*.", ".", "**", "*a.test", "<local>", "a:0", "a:x", "a:70000", "[fd00::1", "[a]:1", "a;b",
            "10.0.0.0/8:80", "fd00::1/64x",
        ])
    func faults(entry: String) {
        #expect(throws: ValueError.self, "\(entry)") { try NoProxy(reading: "good.test,\(entry)") }
    }

    @Test("A loopback address never goes through a proxy, and plaintext only where that was said")
    func loopback() throws {
        var proxy = try UpstreamProxy(reading: "proxy.test:3128")
        let serves = { (host: String, isTLS: Bool) in proxy.serves(host, port: 443, isTLS: isTLS, but: .none) }
        for host in ["127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost"] {
            #expect(!serves(host, true), "\(host)")
        }
        for host in ["hub.test", "10.0.0.1", "localhost.test"] { #expect(serves(host, true) && serves(host, false)) }
        proxy.takesPlaintext = false
        #expect(serves("hub.test", true) && !serves("hub.test", false))
    }
}
