@testable import EventIO
@testable import HTTP
@testable import Hub
import Glibc
@testable import Server
import Testing

extension StatePlace {
    /// One whose writer knows sessions.
    fileprivate static func withSessions() throws -> StatePlace {
        let place = try StatePlace()
        place.writer.sessionKey = try Secret(Base62.random(43))
        return place
    }

    fileprivate func ask(
        _ act: AdminOrder.Act, _ proof: AdminOrder.Proof, _ arguments: JSON = [:], now: Int64 = 1000
    ) throws -> AdminAnswer {
        let order = AdminOrder(proof: proof, address: "192.0.2.1", act: act, arguments: arguments)
        let payload = try answer(to: try #require(order.record), now: now)
        return try #require(payload.flatMap { AdminAnswer($0) })
    }

    fileprivate func addAdmin(_ name: String, id: Int64, _ grant: KeyGrant, expires: Int64? = nil) throws
        -> AdminOrder.Proof
    {
        .key(id, secret: try addKey(name, id: id, grant, expires: expires))
    }
}

private let hash = Base64URL.encode([UInt8](repeating: 7, count: 32))

struct AdminStateTests {
    @Test("An order that is sent is the order that comes, and what is cut or changed is another or none, never a crash")
    func coding() throws {
        for proof in [AdminOrder.Proof.key(7, secret: [1, 2, 3]), .session("1.a.b.c")] {
            let order = AdminOrder(
                proof: proof, address: "::1", act: .editKey, arguments: ["name": "é", "change": [:]])
            let record = try #require(order.record)
            #expect(record.kind == .admin && AdminOrder(record.payload) == order)
            for count in record.payload.indices { #expect(AdminOrder(Array(record.payload[..<count])) == nil) }
            for index in record.payload.indices {
                for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                    var changed = record.payload
                    changed[index] = value
                    _ = AdminOrder(changed)
                }
            }
        }
        let read = AdminOrder(proof: .session(""), address: "", act: .auditPiece, arguments: [:])
        #expect(read.record?.kind == .adminRead)
        let long = AdminOrder(
            proof: .session(""), address: "", act: .note,
            arguments: ["detail": .string(String(repeating: "x", count: 70_000))])
        #expect(long.record == nil)
    }

    @Test("Only a key of the role admin, whole and good, proves an administrator, by its secret")
    func administrators() throws {
        let place = try StatePlace.withSessions()
        let good = try place.addAdmin("root", id: 1, KeyGrant(role: "admin"))
        #expect(try place.ask(.who, good).outcome == .done)
        let others: [(String, KeyGrant, Int64?)] = [
            ("reader", KeyGrant(role: "reader"), nil), ("rules", KeyGrant(allow: ["all *"]), nil),
            ("less", KeyGrant(role: "admin", deny: ["delete *"]), nil), ("old", KeyGrant(role: "admin"), 1000),
        ]
        for (number, (name, grant, expires)) in others.enumerated() {
            let proof = try place.addAdmin(name, id: Int64(10 + number), grant, expires: expires)
            #expect(try place.ask(.who, proof).outcome == .noAdministrator, "\(name)")
        }
        for proof in [AdminOrder.Proof.key(1, secret: []), .key(2, secret: Array("secret of root".utf8)), .session("")]
        {
            #expect(try place.ask(.who, proof).outcome == .noAdministrator)
            let arguments: JSON = ["name": "x", "public_id": 99, "hash": .string(hash), "role": "admin"]
            #expect(try place.ask(.createKey, proof, arguments).outcome == .noAdministrator)
        }
        #expect(try place.table.find("x") == nil)
    }

    @Test("A session is good until its end, its key's end, and the end of the secret that it was begun with")
    func sessions() throws {
        let place = try StatePlace.withSessions()
        let root = try place.addAdmin("root", id: 1, KeyGrant(role: "admin"), expires: 40_000)
        let json = try JSON.parse(try place.ask(.signIn, root).body, within: AdminOrder.limits)
        let token = try #require(json["token"]?.stringValue)
        let session = AdminOrder.Proof.session(token)
        #expect(json["expires"] == .integer(1000 + AdminSession.lifetime))
        #expect(try place.ask(.who, session, now: 1000 + AdminSession.lifetime - 1).outcome == .done)
        #expect(try place.ask(.who, session, now: 1000 + AdminSession.lifetime).outcome == .noAdministrator)
        // It does not prolong itself.
        #expect(try place.ask(.signIn, session).outcome == .malformed)
        let rotation: JSON = ["name": "root", "public_id": 1, "hash": .string(hash), "grace": 100]
        #expect(try place.ask(.rotateKey, session, rotation).outcome == .done)
        #expect(try place.ask(.who, session, now: 1099).outcome == .done)
        #expect(try place.ask(.who, session, now: 1100).outcome == .noAdministrator)
    }

    @Test("A token is the one that was signed, to the character")
    func tokens() throws {
        let (key, other) = (try Secret(Base62.random(43)), try Secret(Base62.random(43)))
        let session = AdminSession(publicID: 5, generation: .max, expires: 77, nonce: 9)
        let token = session.token(key)
        #expect(AdminSession(token, key) == session && AdminSession(token, other) == nil)
        let bytes = Array(token.utf8)
        for index in bytes.indices {
            for value in [UInt8(ascii: "0"), UInt8(ascii: "."), UInt8(ascii: "+"), 0xC3] where value != bytes[index] {
                var changed = bytes
                changed[index] = value
                #expect(AdminSession(String(decoding: changed, as: UTF8.self), key) == nil)
            }
            #expect(AdminSession(String(decoding: bytes[..<index], as: UTF8.self), key) == nil)
        }
        #expect(AdminSession(token + "A", key) == nil && AdminSession(String(repeating: "1.", count: 500), key) == nil)
    }

    @Test("What an order changes is what it names, and a name is one live key's")
    func changes() throws {
        let place = try StatePlace.withSessions()
        let root = try place.addAdmin("root", id: 1, KeyGrant(role: "admin"))
        let made: JSON = [
            "name": "ml", "public_id": 2, "hash": .string(hash), "role": "reader", "note": "n", "expires": 5000,
        ]
        #expect(try place.ask(.createKey, root, made).outcome == .done)
        #expect(try place.ask(.createKey, root, made).outcome == .malformed)
        let twin: JSON = ["name": "ml", "public_id": 3, "hash": .string(hash), "role": "reader"]
        #expect(try place.ask(.createKey, root, twin).outcome == .nameTaken)
        let change: JSON = ["name": "ml", "change": ["role": nil, "allow": ["read a/*"], "expires": nil]]
        #expect(try place.ask(.editKey, root, change).outcome == .done)
        let record = try #require(try place.table.find("ml"))
        #expect(record.grant == KeyGrant(allow: ["read a/*"]) && record.note == "n" && record.expires == nil)
        #expect(try place.ask(.editKey, root, ["name": "ml", "change": ["name": "root"]]).outcome == .nameTaken)
        // A secret that was made for another key of that name.
        let rotation: JSON = ["name": "ml", "public_id": 3, "hash": .string(hash), "grace": 0]
        #expect(try place.ask(.rotateKey, root, rotation).outcome == .malformed)
        #expect(try place.ask(.revokeKey, root, ["name": "ml"]).outcome == .done)
        #expect(try place.ask(.revokeKey, root, ["name": "ml"]).outcome == .revoked)
        #expect(try place.ask(.editKey, root, ["name": "none", "change": [:]]).outcome == .notThere)
        let events = try place.writer.audit.events(limit: 10)
        #expect(events.map { $0.record.text(.event) } == ["create", "edit", "revoke"])
        #expect(events.allSatisfy { $0.record.text(.by) == "root" && $0.record.text(.address) == "192.0.2.1" })
    }
}

struct AuditPieceTests {
    private let temporary = TemporaryDirectory()

    /// An audit of some files, whose lines are numbers; `count` lines in all.
    private func audit(_ path: String, files: Int, lines: Int, length: Int) throws -> [[UInt8]] {
        var written: [[UInt8]] = []
        for serial in 1...files {
            var content: [UInt8] = []
            for number in 0..<lines {
                let line = Array("\(serial).\(number) ".utf8) + [UInt8](repeating: 0x61, count: (number * 37) % length)
                written.append(line)
                content += line + [0x0A]
            }
            if serial == files { content += "the middle of a line".utf8 }
            let file = AuditDirectory(path: path).path(of: AuditDirectory.File(serial: serial, day: "2026-11-29"))
            let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            _ = unsafe write(descriptor, content, content.count)
            close(descriptor)
        }
        return written
    }

    @Test("Pieces from the end to the beginning hold each whole line once, in order", arguments: [1, 200, 5000])
    func pieces(length: Int) throws {
        let path = temporary.path
        let written = try audit(path, files: 3, lines: 400, length: length)
        var (found, place): ([[UInt8]], AuditPiece.Place?) = ([], nil)
        var pieces = 0
        repeat {
            let piece = try AuditPiece(before: place, in: AuditDirectory(path: path))
            #expect(AuditPiece(piece.bytes) == piece && piece.lines.count <= AuditPiece.longest)
            let lines = piece.lines.split(separator: 0x0A).map(Array.init)
            found = lines + found
            place = piece.before
            pieces += 1
        } while place != nil && pieces < 1000
        #expect(found == written)
    }
}
