@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What the Hub's answer to Git LFS says of an object goes into the address of it, in whatever order it says it and however the answer is cut.
struct NamedObjectTests {
    private static let oid = String(repeating: "0a", count: 32)
    private static let url = "https://cdn-lfs.hf.co/x?X-Amz-Expires=900"
    private static let actions = #""actions":{"download":{"href":"\#(url)","expires_in":900}}"#
    private static let now = 1_000_000

    private func rewritten(_ pieces: [ArraySlice<UInt8>]) throws -> [UInt8] {
        let request = Request(method: .post, target: try Target(hub: "/u/r.git/info/lfs/objects/batch"))
        var rewrite = Rewrite.example
        rewrite.namesObjects = true
        var rewriter = JSONRewriter(try #require(RewrittenBodies.rules(for: request, .carry))) {
            (url, change) throws(Failure) in try rewrite.replacement(for: url, change)
        }
        var out: [UInt8] = []
        for piece in pieces { out += try rewriter.rewrite(piece.span) ?? Array(piece) }
        return out + (try rewriter.finish())
    }

    /// In one piece, byte by byte, and in two pieces at each place.
    private func rewritten(_ body: String) throws -> String {
        let bytes = Array(body.utf8)
        let whole = try rewritten([bytes[...]])
        #expect(try rewritten(bytes.indices.map { bytes[$0...$0] }) == whole)
        for cut in bytes.indices { #expect(try rewritten([bytes[..<cut], bytes[cut...]]) == whole) }
        return String(decoding: whole, as: UTF8.self)
    }

    /// Of each object in the answer: what its address is of.
    private func named(_ body: String) throws -> [SignedObject?] {
        // Not by a parser: some of it is no JSON to a strict one.
        let addresses = try rewritten(body).split(separator: "\"\(Rewrite.example.gateway)").dropFirst()
        return try addresses.map { text in
            let target = try Target(hub: String(text.prefix { $0 != "\"" }))
            let opened = try SignedURLPolicy.example.open(target, .get, now: Self.now)
            #expect(opened.url == Self.url)
            return opened.object
        }
    }

    private func isNamed(_ members: String, size: Int = 5) throws -> Bool {
        try named(#"{"transfer":"basic","objects":[{\#(members)}],"hash_algo":"sha256"}"#)
            == [StoredObject(oid: Self.oid, size: size).map { SignedObject($0, until: Self.now + 900) }]
    }

    @Test(
        "Members come in any order",
        arguments: [
            #""oid":"\#(oid)","size":5,"authenticated":true,\#(actions)"#, #"\#(actions),"oid":"\#(oid)","size":5"#,
            #""size":5,\#(actions),"oid":"\#(oid)""#, #""oid":"\#(oid)",\#(actions),"x":{"a":[{}]},"size" : 5 "#,
            #" "size":5,"oid":"\u0030\#(oid.dropFirst())",\#(actions)"#,
            #""actions":{"download":{"header":{"a":"b"},"href":"\#(url.replacing("/", with: #"\/"#))"}},"oid":"\#(oid)","size":5"#,
        ])
    func order(_ members: String) throws {
        #expect(try isNamed(members))
    }

    @Test(
        "What is no name, no size, or two of them names nothing, and the address leads to the store all the same",
        arguments: [
            #""oid":"\#(oid.uppercased())","size":5"#, #""oid":"\#(oid.dropFirst())","size":5"#,
            #""oid":"../../x","size":5"#,
            #""oid":7,"size":5"#, #""oid":null,"size":5"#, #""oid":{"oid":"\#(oid)"},"size":5"#, #""size":5"#,
            #""oid":"\#(oid)""#,
            #""oid":"\#(oid)","size":-5"#, #""oid":"\#(oid)","size":0"#, #""oid":"\#(oid)","size":"5""#,
            #""oid":"\#(oid)","size":5.0"#, #""oid":"\#(oid)","size":5e0"#, #""oid":"\#(oid)","size":05"#,
            #""oid":"\#(oid)","size":99999999999999999999"#, #""oid":"\#(oid)","size":true"#,
            #""oid":"\#(oid)","size":[5]"#,
            #""x":{"oid":"\#(oid)","size":5}"#, #""oid":"\#(oid)","x":[{"size":5}]"#,
        ])
    func nothing(_ members: String) throws {
        for body in ["\(members),\(Self.actions)", "\(Self.actions),\(members)"] {
            #expect(try named(#"{"objects":[{\#(body)}]}"#) == [nil])
        }
    }

    @Test("Of members that come twice none counts")
    func twice() throws {
        for members in [
            #""oid":"\#(Self.oid)","oid":"\#(Self.oid)","size":5,\#(Self.actions)"#,
            #"\#(Self.actions),"oid":"\#(Self.oid)","size":5,"size":6"#,
        ] {
            #expect(try !isNamed(members))
        }
    }

    @Test("Each object is named by itself alone")
    func several() throws {
        let one = #"{"oid":"\#(Self.oid)","size":5,\#(Self.actions)}"#
        let other = #"{\#(Self.actions),"size":6,"oid":"\#(Self.oid)"}"#
        let objects = try named(#"{"objects":[\#(one),{\#(Self.actions)},\#(other)],"oid":"\#(Self.oid)","size":7}"#)
        #expect(objects.map { $0?.object.layout.size } == [5, nil, 6])
    }

    @Test("What is far behind an address is not waited for, and a body that breaks off keeps what it had")
    func bounds() throws {
        let far =
            #"{"objects":[{\#(Self.actions),"x":"\#(String(repeating: "x", count: JSONRewriter.mostAfterURL))","oid":"\#(Self.oid)","size":5}]}"#
        let bytes = Array(far.utf8)
        let cut = bytes.indices.filter { $0 % 700 == 0 } + [bytes.count]
        let answer = try rewritten(zip(cut, cut.dropFirst()).map { bytes[$0..<$1] })
        let entry = try JSON.parse(answer)["objects"]?.elements?.first
        #expect(
            entry?["oid"]?.stringValue == Self.oid && entry?["x"]?.stringValue?.utf8.count == JSONRewriter.mostAfterURL)
        let target = try #require(entry?["actions"]?["download"]?["href"]?.stringValue)
        let path = String(target.dropFirst(Rewrite.example.gateway.count))
        #expect(try SignedURLPolicy.example.open(try Target(hub: path), .get, now: Self.now).object == nil)
        let broken = try rewritten(#"{"objects":[{\#(Self.actions),"oid":"\#(Self.oid)""#)
        #expect(broken.hasPrefix(#"{"objects":[{"actions":{"download":{"href":"https://gate:8080/-/signed/r"#))
        #expect(broken.hasSuffix(#"","expires_in":900}},"oid":"\#(Self.oid)""#))
    }

    @Test("An object with an error stays as it is, and a place elsewhere is an error wherever its name stands")
    func others() throws {
        let body = #"{"objects":[{"oid":"\#(Self.oid)","size":5,"error":{"code":404,"message":"none"}}]}"#
        #expect(try rewritten(body) == body)
        let actions = Self.actions.replacing("cdn-lfs.hf.co", with: "evil.example")
        for members in [#""oid":"\#(Self.oid)","size":5,\#(actions)"#, #"\#(actions),"oid":"\#(Self.oid)","size":5"#] {
            #expect(throws: Failure.self) { try rewritten([Array(#"{"objects":[{\#(members)}]}"#.utf8)[...]]) }
        }
    }

    // MARK: the address

    @Test("An address carries what it is of, for reading alone, and no change of it opens")
    func signed() throws {
        let codec = SignedURLCodec.example
        let object = try #require(StoredObject(oid: Self.oid, size: 1 << 40))
        for key in [nil, KeyMark(id: 3, rights: 4), KeyMark(id: -3, rights: 4)] {
            let path = codec.path(to: Self.url, for: .read, of: SignedObject(object, until: 77), by: key, until: 1000)
            let opened = try codec.open(try Target(hub: path), .get, now: 1000)
            #expect(opened.object == SignedObject(object, until: 77) && opened.key == key && opened.url == Self.url)
            for place in path.utf8.indices.dropFirst("/-/signed/".utf8.count) {
                var changed = Array(path.utf8)
                let number = path.utf8.distance(from: path.utf8.startIndex, to: place)
                changed[number] = changed[number] == UInt8(ascii: "1") ? UInt8(ascii: "2") : UInt8(ascii: "1")
                #expect(throws: Failure.self) {
                    try codec.open(try Target(hub: String(decoding: changed, as: UTF8.self)), .get, now: 1000)
                }
            }
        }
        let write = codec.path(to: Self.url, for: .upload, of: SignedObject(object, until: 77), until: 1000)
        #expect(throws: Failure.signedURLInvalid) { try codec.open(try Target(hub: write), .put, now: 1000) }
    }

    @Test(
        "What is said of an object is good for as long as the store's own URL, and an hour where that says nothing",
        arguments: [
            ("?X-Amz-Expires=900", 900), ("?Expires=\(now + 60)", 60), ("", 3600), ("?X-Amz-Expires=604800", 604_800),
            ("?Expires=5", 5 - now),
            // The 12th day of 1970, 13:46:40 is now.
            ("?X-Amz-Date=19700112T134140Z&X-Amz-Expires=900", 600),
            ("?X-Amz-Expires=900&X-Amz-Date=19700112T134640Z", 900),
            ("?X-Amz-Expires=60&X-Amz-Date=19700112T124640Z", 60 - 3600),
            ("?X-Amz-Expires=900&X-Amz-Date=20700112T134640Z", 900),
            ("?X-Amz-Expires=900&X-Amz-Date=1970-01-12T1341", 900), ("?X-Amz-Date=19700112T134640Z", 3600),
        ])
    func life(_ query: String, _ seconds: Int) throws {
        let object = try #require(StoredObject(oid: Self.oid, size: 5))
        let path = try SignedURLPolicy.example.path(
            to: "https://cdn-lfs.hf.co/x\(query)", for: .read, of: object, now: Self.now)
        let opened = try SignedURLPolicy.example.open(try Target(hub: path), .get, now: Self.now)
        #expect(opened.object?.until == Self.now + seconds)
    }

    @Test("Where it would make an address too long it is left out")
    func length() throws {
        let object = try #require(StoredObject(oid: Self.oid, size: 5))
        let url = "https://cdn-lfs.hf.co/" + String(repeating: "x", count: 500)
        let plain = try SignedURLPolicy.example.path(to: url, for: .read, now: Self.now)
        let tight = SignedURLPolicy(codec: .example, hosts: .example, longestTarget: plain.utf8.count)
        #expect(try tight.path(to: url, for: .read, of: object, now: Self.now) == plain)
    }
}
