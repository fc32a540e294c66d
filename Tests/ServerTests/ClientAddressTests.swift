import EventIO
@testable import HTTP
@testable import Server
import Testing

/// Which address of those that a request names is its client's.
@Suite("The client's address")
struct ClientAddressTests {
    static let trusted = networks("10.0.0.0/8,192.0.2.1,fd00::/8")

    static func networks(_ text: String) -> IPNetworks {
        (try? ValueCodec<IPNetworks>.networks.read(text)) ?? IPNetworks()
    }

    private func client(_ peer: String, _ fields: [(String, String)]) -> ClientAddress {
        var headers = Headers()
        for (name, value) in fields { headers.append(name, value) }
        return ClientAddress.of(peer: peer, number: IPNumber(peer), headers, trusted: Self.trusted)
    }

    @Test("a network of IPv6 holds no address of IPv4, whose form in IPv6 begins with zeros")
    func familiesApart() throws {
        let (v4, v6) = (try #require(IPNumber("203.0.113.9")), try #require(IPNumber("::1")))
        for text in ["::/1", "::/64", "::/80"] {
            #expect(!Self.networks(text).contains(v4), Comment(rawValue: text))
            #expect(Self.networks(text).contains(v6), Comment(rawValue: text))
        }
        #expect(!Self.networks("0.0.0.0/1").contains(v6))
    }

    @Test("who is not trusted is the client, whatever its request says")
    func untrusted() {
        for name in ["Forwarded", "X-Forwarded-For"] {
            let value = name == "Forwarded" ? "for=203.0.113.9;host=evil.example;proto=http" : "203.0.113.9"
            let found = client("198.51.100.1", [(name, value), ("X-Forwarded-Host", "evil.example")])
            #expect(found.text == "198.51.100.1")
            #expect(found.origin == nil)
        }
    }

    @Test(
        "X-Forwarded-For is read from its end to the first address that is no trusted proxy's",
        arguments: [
            ("203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
            ("203.0.113.9, 10.1.2.3,192.0.2.1", "203.0.113.9"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("2001:db8::9", "2001:db8::9"),
            ("[2001:db8::9]", "2001:db8::9"),
            ("[2001:DB8:0::9]:4711", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8::9, fd00::1", "2001:db8::9"),
            // With a mark that joins it, a comma is another character to a reader of text.
            ("1.2.3.4\u{0600}, 203.0.113.9", "203.0.113.9"),
            ("1.2.3.4,\u{0301}203.0.113.9, 10.1.2.3", "10.1.2.3"),
            // All are proxies: the outermost is the nearest to the client that is known.
            ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
            // What is no address ends it, and what is before it counts for nothing.
            ("unknown", "10.0.0.1"),
            ("203.0.113.9, unknown", "10.0.0.1"),
            ("203.0.113.9, garbage, 10.1.2.3", "10.1.2.3"),
            ("203.0.113.9, , 10.1.2.3", "10.1.2.3"),
            ("203.0.113.9,", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("203.0.113.9 198.51.100.7", "10.0.0.1"),
            ("203.0.113.256", "10.0.0.1"),
            ("203.0.113.9:99999", "10.0.0.1"),
            ("[203.0.113.9]", "10.0.0.1"),
            ("fe80::1%eth0", "10.0.0.1"),
            ("\"203.0.113.9\"", "10.0.0.1"),
        ])
    func xForwardedFor(value: String, expected: String) {
        #expect(client("10.0.0.1", [("X-Forwarded-For", value)]).text == expected)
    }

    @Test("several fields are one list")
    func severalFields() {
        let fields = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9, 10.1.2.3")]
        #expect(client("10.0.0.1", fields).text == "203.0.113.9")
        #expect(
            client("10.0.0.1", [("Forwarded", "for=203.0.113.9"), ("Forwarded", "for=10.1.2.3")]).text == "203.0.113.9")
    }

    @Test(
        "Forwarded is read likewise (RFC 7239)",
        arguments: [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=\"203.0.113.9:4711\"", "203.0.113.9"),
            ("for=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"),
            ("proto=https ; FOR=203.0.113.9", "203.0.113.9"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"[2001:db8:cafe::17]\", for=10.1.2.3", "2001:db8:cafe::17"),
            ("for=1.1.1.1, for=203.0.113.9", "203.0.113.9"),
            ("for=\"1.1.1.1, for=8.8.8.8\", for=203.0.113.9", "203.0.113.9"),
            ("for=unknown", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=\"_gazonk\", for=10.1.2.3", "10.1.2.3"),
            ("for=203.0.113.9, for=_SEVKISEK", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            ("for=203.0.113.9;for=203.0.113.10", "10.0.0.1"),
            ("for=203.0.113.9;nonsense", "10.0.0.1"),
            ("for=\"203.0.113.9", "10.0.0.1"),
            ("for=\"203.0.113.9\\\"", "10.0.0.1"),
            ("for=203.0.113.9, \"", "10.0.0.1"),
            ("for=", "10.0.0.1"),
            ("", "10.0.0.1"),
        ])
    func forwarded(value: String, expected: String) {
        #expect(client("10.0.0.1", [("Forwarded", value)]).text == expected)
    }

    @Test("where the two fields differ, one was written by a client and passed on: neither counts")
    func bothFields() {
        let spoofed = [("Forwarded", "for=1.1.1.1;host=evil.example"), ("X-Forwarded-For", "203.0.113.9")]
        #expect(client("10.0.0.1", spoofed).text == "10.0.0.1")
        #expect(client("10.0.0.1", spoofed).origin == nil)
        let same = [("Forwarded", "for=203.0.113.9"), ("X-Forwarded-For", "1.1.1.1, 203.0.113.9")]
        #expect(client("10.0.0.1", same).text == "203.0.113.9")
    }

    @Test("a list without end is read from its end, as far as any network has proxies")
    func longList() {
        let value = (["203.0.113.9"] + Array(repeating: "10.1.2.3", count: 5000)).joined(separator: ",")
        #expect(client("10.0.0.1", [("X-Forwarded-For", value)]).text == "10.1.2.3")
    }

    @Test("an IPv4 proxy is trusted at a socket for both families too")
    func mapped() {
        #expect(client("::ffff:10.0.0.1", [("X-Forwarded-For", "203.0.113.9")]).text == "203.0.113.9")
    }

    @Test("scheme and name are those that the outermost trusted proxy says")
    func origin() {
        let value =
            "for=1.1.1.1;host=evil.example, for=203.0.113.9;host=gate.example.org;proto=http, for=10.1.2.3;host=inner"
        let found = client("10.0.0.1", [("Forwarded", value)])
        #expect(found.text == "203.0.113.9")
        #expect(found.origin == ForwardedOrigin(scheme: "http", authority: "gate.example.org"))
        let usual = client(
            "10.0.0.1",
            [("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Host", "evil.example, gate.example.org")])
        #expect(usual.origin == ForwardedOrigin(scheme: "http", authority: "gate.example.org"))
    }

    @Test(
        "the gateway's address: public_url, else what a trusted proxy says, else the Host; a name that is no plain one is not written",
        arguments: [
            (nil, nil, nil, "https://asked:8080"),
            ("https", "gate.example.org", nil, "https://gate.example.org"),
            ("http", "gate.example.org:81", nil, "http://gate.example.org:81"),
            ("HTTP", nil, nil, "http://asked:8080"),
            ("ftp", "Gate.Example.org:443", nil, "https://gate.example.org"),
            (nil, "[2001:db8::1]:8443", nil, "https://[2001:db8::1]:8443"),
            ("https", "gate.example.org/path", nil, "https://asked:8080"),
            ("https", "user@gate.example.org", nil, "https://asked:8080"),
            ("https", "gate.example.org\"><script>", nil, "https://asked:8080"),
            ("https", "gate example", nil, "https://asked:8080"),
            ("https", "a,b", nil, "https://asked:8080"),
            ("https", "2130706433", nil, "https://asked:8080"),
            ("https", "", nil, "https://asked:8080"),
            ("https", "gate.example.org:0", nil, "https://asked:8080"),
            ("http", "other.example", "https://public.example:8443/hf", "https://public.example:8443"),
        ] as [(String?, String?, String?, String)])
    func gatewayAddress(scheme: String?, authority: String?, publicURL: String?, expected: String) throws {
        var headers = Headers()
        headers.append("Host", "asked:8080")
        let request = Request(method: .get, target: .root, headers: headers)
        let forwarded = ForwardedOrigin(scheme: scheme, authority: authority)
        let said = forwarded.isEmpty ? nil : forwarded
        let url = try publicURL.map { try UpstreamAddress(reading: $0) }
        #expect(GatewayAddress.origin(of: request, forwarded: said, publicURL: url) == expected)
        let nameless = Request(method: .get, target: .root)
        if publicURL == nil, scheme == nil, authority == nil {
            #expect(GatewayAddress.origin(of: nameless, forwarded: said, publicURL: url) == nil)
        }
    }
}
