import EventIO
import HTTP
import Testing

@testable import Server

struct PeerRingTests {
    private static let names = (0..<10_000).compactMap { BlobName(MessageDigest.sha256(Array("\($0)".utf8)).hexText) }
    private static let origins = (1...5).map { "https://gate-\($0).example.org" }

    private func owners(_ origins: [String]) -> [String] {
        let ring = PeerRing(origins: origins, own: origins[0])
        return Self.names.map { ring.owner(of: $0) }
    }

    @Test("Each replica owns about as many files as the others")
    func spread() {
        let counts = Dictionary(owners(Self.origins).map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.count == 5 && counts.values.allSatisfy { (1_880...2_120).contains($0) }, "\(counts)")
    }

    @Test("A replica that goes has its own files moved and no others, and they go to all who are left")
    func removal() {
        let (before, after) = (owners(Self.origins), owners(Array(Self.origins.dropLast())))
        let moved = zip(before, after).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0.0 == Self.origins[4] } && moved.count == before.count { $0 == Self.origins[4] })
        #expect(Set(moved.map(\.1)).count == 4)
    }

    @Test("In whatever order they are named, and whoever asks, the owner is the same")
    func order() {
        let origins = Self.origins.reversed() as [String]
        #expect(owners(Self.origins) == owners(origins))
    }

    @Test("Who is alone owns all")
    func alone() { #expect(owners([Self.origins[2]]).allSatisfy { $0 == Self.origins[2] }) }

    @Test("The weight is SHA-256 of the origin and the file's name in hexadecimal digits: others can compute it")
    func known() throws {
        let name = try #require(BlobName(String(repeating: "a", count: 64)))
        let weights = Self.origins.map { MessageDigest.sha256(Array(($0 + name.hex).utf8)).hexText }
        let heaviest = try #require(zip(weights, Self.origins).max { $0.0 < $1.0 }?.1)
        #expect(PeerRing(origins: Self.origins, own: "").owner(of: name) == heaviest)
    }
}

struct PeerRestsTests {
    private static let names = (0..<100).compactMap { BlobName(MessageDigest.sha256(Array("\($0)".utf8)).hexText) }
    private let now = MonotonicInstant.now

    private func later(_ milliseconds: UInt64) -> MonotonicInstant { now.advanced(milliseconds: milliseconds) }

    @Test("A fault of one file rests that file and no other, and the log is told once")
    func file() {
        var rests = PeerRests()
        #expect(rests.failed("a", Self.names[0], .ofFile, now: now) == .ofFile)
        #expect(rests.failed("a", Self.names[0], .ofFile, now: now) == nil)
        #expect(rests.isResting("a", Self.names[0], now: later(PeerRests.rest - 1)))
        #expect(!rests.isResting("a", Self.names[0], now: later(PeerRests.rest)))
        #expect(!rests.isResting("a", Self.names[1], now: now) && !rests.isResting("b", Self.names[0], now: now))
    }

    @Test("A fault of the replica rests all its files, and so do several files that fail one after the other")
    func replica() {
        var rests = PeerRests()
        #expect(rests.failed("a", Self.names[0], .ofReplica, now: now) == .ofReplica)
        #expect(
            rests.isResting("a", Self.names[1], now: now) && !rests.isResting("a", Self.names[1], now: later(30_000)))
        for name in Self.names.prefix(PeerRests.mostFiles - 1) { _ = rests.failed("b", name, .ofFile, now: now) }
        #expect(!rests.isResting("b", Self.names[50], now: now))
        #expect(rests.failed("b", Self.names[PeerRests.mostFiles], .ofFile, now: now) == .ofReplica)
        #expect(rests.isResting("b", Self.names[50], now: now))
    }

    @Test("With a file between them that it gave they do not add up, and the log is told that it gives again")
    func recovery() {
        var rests = PeerRests()
        var gave = rests.gave("a")
        #expect(!gave)
        for name in Self.names {
            #expect(rests.failed("a", name, .ofFile, now: now) != nil || !rests.isResting("a", name, now: later(1)))
            gave = rests.gave("a")
            #expect(gave)
            gave = rests.gave("a")
            #expect(!gave)
        }
        // But a list without an end is none.
        #expect(rests.isResting("a", Self.names[99], now: now))
        #expect(!rests.isResting("a", Self.names[99], now: later(PeerRests.longRest)))
    }

    @Test("After bytes that were not the file's it rests for longer, and a fault meanwhile does not shorten that")
    func wrong() {
        var rests = PeerRests()
        #expect(rests.failed("a", Self.names[0], .ofReplica, for: PeerRests.longRest, now: now) == .ofReplica)
        #expect(rests.failed("a", Self.names[0], .ofReplica, now: now) == nil)
        #expect(rests.isResting("a", Self.names[1], now: later(PeerRests.longRest - 1)))
    }
}

struct PeerKeyTests {
    private let call: PeerCall
    private let key: PeerKey
    private let origin = "https://gate-1.example.org"

    init() throws {
        let name = try #require(BlobName(String(repeating: "0f", count: 32)))
        call = PeerCall(name, size: 1000, 5..<10, from: "https://cdn.example.org/a?Signature=b")
        key = try #require(PeerKey(try Secret(String(repeating: "s", count: 32).utf8)))
    }

    private func read(_ headers: Headers, _ target: String) throws -> PeerCall? {
        let target = try Target(target)
        return PeerCall(Request(method: .get, target: target, headers: headers), target)
    }

    @Test("A call is read as it was written")
    func form() throws { #expect(try read(call.headers, call.path) == call) }

    @Test(
        "What has another form is no call",
        arguments: [
            ("Range", "bytes=5-"), ("Range", "bytes=-5"), ("Range", "bytes=05-9"), ("Range", "bytes=+5-9"),
            ("Range", "bytes=9-5"), ("Range", "bytes=5-1000"), ("Range", "bytes=5-9,10-11"), ("Range", "bytes=5-9 "),
            ("Range", "Bytes=5-9"), ("Range", "bytes=5-9223372036854775807"), ("Range", "bytes=5-99999999999999999999"),
            ("X-Hubgate-Peer-Size", "0"), ("X-Hubgate-Peer-Size", "-1"), ("X-Hubgate-Peer-Size", "1e3"),
            ("X-Hubgate-Peer-Size", "9223372036854775807"), ("X-Hubgate-Peer-Size", "01000"),
            ("X-Hubgate-Peer-Source", "a=b"), ("X-Hubgate-Peer-Source", "_w"), ("X-Hubgate-Peer-Source", "Cg"),
            ("X-Hubgate-Peer-Source", "XA"),
        ])
    func otherForms(name: String, value: String) throws {
        var headers = call.headers
        headers.set(name, value)
        #expect(try read(headers, call.path) == nil)
        headers.remove(name)
        #expect(try read(headers, call.path) == nil)
    }

    @Test(
        "A path with anything but a SHA-256 is none",
        arguments: ["/-/peer/blobs/", "/-/peer/blobs/\u{301}", "/-/peer/blobs/0f", "/-/peer/x"])
    func paths(path: String) throws { #expect(try read(call.headers, path) == nil) }

    @Test("A signature is good for its call, its receiver, its key, and a minute")
    func signature() throws {
        let now = 1_800_000_000
        let signature = key.signature(of: call, to: origin, now: now)
        func nonce(
            of signature: String? = nil, for call: PeerCall? = nil, to origin: String? = nil, now: Int = now,
            by key: PeerKey? = nil
        ) -> String? {
            (key ?? self.key).nonce(
                of: signature ?? key?.signature(of: self.call, to: self.origin, now: now) ?? "", for: call ?? self.call,
                to: origin ?? self.origin, now: now)
        }
        let good = try #require(nonce(of: signature))
        #expect(good.utf8.count == 32)
        for moment in [now - 60, now + 60] { #expect(nonce(of: signature, now: moment) == good) }
        for moment in [now - 61, now + 61] { #expect(nonce(of: signature, now: moment) == nil) }
        #expect(nonce(of: signature, to: origin + ":8443") == nil)
        let others = [
            PeerCall(call.name, size: 1001, call.range, from: call.source),
            PeerCall(call.name, size: call.size, 5..<11, from: call.source),
            PeerCall(call.name, size: call.size, call.range, from: call.source + "c"),
        ]
        for other in others { #expect(nonce(of: signature, for: other) == nil) }
        let foreign = try #require(PeerKey(try Secret(String(repeating: "t", count: 32).utf8)))
        #expect(nonce(of: signature, by: foreign) == nil)
        #expect(nonce(of: key.signature(of: call, to: origin, now: now)) != good)
        let parts = signature.split(separator: ".").map(String.init)
        for (index, value) in [(0, "2"), (1, "\(now + 1)"), (2, String(repeating: "0", count: 32)), (3, "AAAA")] {
            var changed = parts
            changed[index] = value
            #expect(nonce(of: changed.joined(separator: ".")) == nil, "\(index)")
        }
        for text in ["", "1", "1...", "....", signature + ".", "1.99999999999999999999.\(good).\(parts[3])"] {
            #expect(nonce(of: text) == nil)
        }
    }

    @Test("A nonce is known for as long as its signature is good, and not for ever")
    func nonces() {
        var nonces = PeerNonces()
        #expect(nonces.take("a", now: 1_000) == .new)
        for now in [1_000, 1_060, 1_119, 1_120] { #expect(nonces.take("a", now: now) == .known, "\(now)") }
        #expect(nonces.take("a", now: 1_500) == .new)
        for number in 0..<65_535 { _ = nonces.take("\(number)", now: 1_500) }
        #expect(nonces.take("b", now: 1_500) == .full && nonces.take("a", now: 1_500) == .known)
        #expect(nonces.take("b", now: 1_620) == .new && nonces.take("a", now: 1_620) == .known)
    }
}

struct PeerSettingsTests {
    private static let peers = "https://gate-1.example.org,https://gate-2.example.org:8443"
    private static let good = [
        "HUBGATE_CACHE_DIR": "/cache", "HUBGATE_PEERS": peers, "HUBGATE_PEER_SELF": "https://gate-1.example.org",
        "HUBGATE_PEER_SECRET_FILE": "secret",
    ]
    private static let secret = String(repeating: "s", count: 32)

    private func given(_ changes: [String: String?], secret: String? = secret) -> SettingsCase {
        var environment: [String: String] = [:]
        for (name, value) in Self.good { environment[name] = value }
        for (name, value) in changes { environment[name] = value }
        return SettingsCase(environment: environment, files: secret.map { ["secret": $0] } ?? [:])
    }

    @Test("What belongs together is taken, however it is written")
    func taken() throws {
        let settings = try given(["HUBGATE_PEER_SELF": "HTTPS://Gate-1.example.org:443/"], secret: Self.secret + "\n")
            .settings()
        #expect(settings.peers.addresses.map(\.origin).joined(separator: ",") == Self.peers)
        #expect(settings.peerSelf?.origin == "https://gate-1.example.org" && settings.peerSecret?.secret?.count == 32)
        #expect(try SettingsCase().settings().peers == .none)
        #expect(Hardening.ports(settings).contains(8443))
    }

    @Test(
        "What does not is refused with what to do",
        arguments: [
            (["HUBGATE_CACHE_DIR": "off"], "give it a directory"),
            (["HUBGATE_PEER_SELF": nil], "without peer_self"),
            (["HUBGATE_PEER_SELF": "https://gate-3.example.org"], "none of peers"),
            (["HUBGATE_PEER_SELF": "https://gate-1.example.org:8443"], "none of peers"),
            (["HUBGATE_PEER_SELF": "gate-1.example.org"], "not a URL"),
            (["HUBGATE_PEER_SECRET_FILE": nil], "without peer_secret_file"),
            (["HUBGATE_PEER_SECRET_FILE": "nowhere"], "there is no file nowhere"),
            (["HUBGATE_PEERS": nil], "without peers"),
            (["HUBGATE_PEERS": peers + "," + peers], "twice"),
            (["HUBGATE_PEERS": peers + ",https://GATE-1.example.org:443"], "twice"),
            (["HUBGATE_PEERS": peers + ",http://gate-3.example.org"], "which is not https"),
            (["HUBGATE_PEERS": peers + ",https://gate-3.example.org/hf"], "which has a path"),
            (["HUBGATE_PEERS": peers + ",https://a:b@gate-3.example.org"], "which has a user name"),
            (["HUBGATE_PEERS": peers + ",https://gate-3.example.org?a"], "which has a query"),
            (["HUBGATE_PEERS": peers + ","], "an empty entry"),
            (["HUBGATE_PEERS": peers + ",gate-3"], "which is not a URL"),
            (["HUBGATE_PEERS": (0..<65).map { "https://g\($0).example.org" }.joined(separator: ",")], "more than 64"),
        ] as [([String: String?], String)])
    func refused(changes: [String: String?], sentence: String) {
        let problems = given(changes).problems
        #expect(!problems.isEmpty && problems.contains { $0.contains(sentence) }, "\(problems)")
        #expect(!problems.joined().contains("a:b"))
    }

    @Test(
        "A secret that is short or none is refused, and never shown",
        arguments: ["", "sesame", "open sesame, open sesame, open sesame"])
    func secrets(text: String) {
        let problems = given([:], secret: text).problems
        #expect(problems.count == 1 && problems[0].contains("peer_secret_file"), "\(problems)")
        #expect(!problems.joined().contains("esame"))
    }

    @Test("What is given of peers without them is refused", arguments: ["PEER_SECRET_FILE", "PEER_CA_FILE"])
    func alone(name: String) {
        let problems = SettingsCase(environment: ["HUBGATE_" + name: "x"]).problems
        #expect(problems.count == 1 && problems[0].contains("without peers"), "\(problems)")
    }

    @Test("Another secret in the same file is another setting, so that a reload takes it")
    func reload() throws {
        let (old, new) = (try given([:]).settings(), try given([:], secret: Self.secret + "2").settings())
        #expect(old.differences(from: new) == ["peer_secret_file"])
        #expect(old.reloaded(from: new).settings.peerSecret == new.peerSecret)
    }
}
