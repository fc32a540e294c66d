@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite(.live)
struct ClientCertificateTests {
    @EventLoop
    private static func certificates(_ rules: String) throws -> ClientCertificates {
        var settings = Settings()
        settings.access = .keys
        settings.clientAuthorities = "ca.pem"
        settings.clientRules = try ValueCodec<ClientRules>.clientRules.read(rules)
        return try #require(ClientCertificates(settings))
    }

    private static func certificate(_ names: [(String, String)], _ fault: ClientCertificate.Fault? = nil)
        -> ClientCertificate
    {
        ClientCertificate(
            fault: fault, names: names.map { ClientCertificate.Name(kind: $0.0, value: $0.1) }, expires: 100)
    }

    @Test("The first rule counts of which each condition holds for one of the names, by its kind and to the byte")
    @EventLoop
    func rules() throws {
        let certificates = try Self.certificates(
            #"{a: {names: ["uri=spiffe://x/a", "dns~*.example"], role: reader}, b: {names: ["uri~spiffe://x/*"], role: writer}}"#
        )
        let a = try certificates.identity(
            of: Self.certificate([("subject", ""), ("dns", "other"), ("dns", "H.Example"), ("uri", "spiffe://x/a")]))
        #expect(a.name == "cert:a:spiffe://x/a" && a.grant.grant.role == "reader" && a.isOfCertificate)
        let b = try certificates.identity(of: Self.certificate([("subject", ""), ("uri", "spiffe://x/a")]))
        #expect(b.name == "cert:b:spiffe://x/a" && b.publicID != a.publicID && b.shownID.hasPrefix("cert_"))
        for names in [[("dns", "spiffe://x/a")], [("uri", "spiffe://X/a")], [("uri", "spiffe://x")], []] {
            #expect(throws: CertificateRefusal.noRule) { try certificates.identity(of: Self.certificate(names)) }
        }
        #expect(throws: CertificateRefusal.fault(.revoked)) {
            try certificates.identity(of: Self.certificate([("uri", "spiffe://x/a")], .revoked))
        }
    }

    @Test("A renewed certificate is the same client, another name another one, and no client has a key's id")
    @EventLoop
    func identities() throws {
        let certificates = try Self.certificates(
            #"{r: {names: ["dns~*"], role: reader, rate: 5/m}, s: {names: ["uri~*"], role: reader}}"#)
        var seen: Set<Int64> = []
        for number in 0..<1000 {
            let one = try certificates.identity(of: Self.certificate([("dns", "h\(number)")]))
            let again = try certificates.identity(of: Self.certificate([("subject", "CN=x"), ("dns", "h\(number)")]))
            #expect(one.publicID == again.publicID && one.publicID < 0 && one.number < 0 && one.grant.rate != nil)
            seen.insert(one.publicID)
            let mark = KeyMark(id: one.publicID, rights: 7)
            let codec = SignedURLCodec(key: .ofThisStart)
            let path = codec.path(to: "https://cdn.example/x", for: .read, by: mark, until: 100)
            #expect(try codec.open(try Target(path), .get, now: 1).key == mark)
        }
        #expect(seen.count == 1000)
        let other = try certificates.identity(of: Self.certificate([("uri", "h1")]))
        #expect(!seen.contains(other.publicID), "the rule belongs to who it is")
    }

    @Test("What a rule of the settings may not be is said, and what is read can be written and read again")
    func reading() throws {
        let text = #"{r: {names: ["subject=CN=a,O=b", "email~*@x"], role: "w", as: "acme", rate: "5/m"}}"#
        let codec = ValueCodec<ClientRules>.clientRules
        let read = try codec.read(text)
        #expect(read.rules.count == 1 && read.rules[0].names.map(\.text) == ["subject=CN=a,O=b", "email~*@x"])
        #expect(try codec.read(codec.text(read)) == read)
        for (wrong, reason) in [
            ("x", "no mapping"), ("{r: [a]}", "no mapping"), ("{r: {role: x}}", "no names"),
            (#"{r: {names: ["a=b"], role: x}}"#, "KIND=NAME"), (#"{r: {names: ["dns="], role: x}}"#, "KIND=NAME"),
            (#"{r: {names: ["dns=a"]}}"#, "no role"), (#"{r: {names: ["dns=a"], role: [x]}}"#, "is a list"),
            (#"{r: {names: ["dns=a"], role: x}, r: {names: ["dns=a"], role: x}}"#, "twice"),
            (#"{"r s": {names: ["dns=a"], role: x}}"#, "no name"), (#"{r: {names: {a: b}, role: x}}"#, "mapping"),
        ] {
            let error = #expect(throws: ValueError.self) { try codec.read(wrong) }
            #expect(error?.reason.contains(reason) == true, "\(wrong): \(error?.reason ?? "")")
        }
    }
}
