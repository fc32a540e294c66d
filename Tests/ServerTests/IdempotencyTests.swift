import Glibc
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct IdempotencyTests {
    private final class Place {
        private let temporary = TemporaryDirectory()
        var path: String { temporary.path }

        func table() throws -> IdempotencyTable {
            IdempotencyTable(database: try StateDirectory(path).open())
        }
    }

    private let response = KeptResponse(
        Response(.conflict, headers: ["X-Error-Code": "Conflict", "X-Request-Id": "hg-1"], body: Array("{}\n".utf8)))

    @Test("A key is a string of a structured field, or the same without quotes")
    func keys() throws {
        for (value, text) in [
            ("a", "a"), ("\"a\"", "a"), ("\"a b\"", "a b"), ("\"\\\"\\\\\"", "\"\\"), ("a=:/", "a=:/"),
        ] {
            #expect(try IdempotencyKey([IdempotencyKey.field: value])?.text == text)
        }
        #expect(try IdempotencyKey([:]) == nil)
        for value in [
            "", "\"\"", "\"", "\"a", "a b", "a,b", "a;b", "\"a\"b", "\"a\";b", "\"\\a\"", "\"a\\\"", "é",
            String(repeating: "a", count: 256),
        ] {
            #expect(throws: Failure.self, "\(value)") { _ = try IdempotencyKey([IdempotencyKey.field: value]) }
        }
    }

    @Test("Records are read as they were written, and nothing else is")
    func records() throws {
        let claim = IdempotencyClaim(owner: 7, key: "a", content: [1, 2])
        #expect(IdempotencyClaim(claim.record.payload) == claim)
        for outcome in [IdempotencyEnd.Outcome.released, .unknown, .answered(response)] {
            let end = IdempotencyEnd(claim, outcome)
            #expect(IdempotencyEnd(end.record.payload) == end)
            for length in 0..<end.record.payload.count where outcome != .unknown {
                #expect(IdempotencyEnd(Array(end.record.payload.prefix(length))) == nil)
            }
        }
        for answer in [IdempotencyAnswer.granted, .answered(response), .otherRequest, .running, .unknown, .full] {
            #expect(IdempotencyAnswer(answer.bytes) == answer)
        }
        #expect(IdempotencyAnswer([99]) == nil && IdempotencyAnswer([]) == nil && KeptResponse([1]) == nil)
        #expect(response.response.headers["X-Request-Id"] == nil)
        #expect(response.replayed.headers["Idempotent-Replayed"] == "true")
    }

    @Test("A response that is too large to keep leaves an outcome that is not known")
    func large() throws {
        let large = KeptResponse(Response(.ok, body: [UInt8](repeating: 65, count: KeptResponse.longest)))
        let end = IdempotencyEnd(IdempotencyClaim(owner: 1, key: "a", content: []), .answered(large))
        #expect(end.record.payload.count < 100 && IdempotencyEnd(end.record.payload)?.outcome == .unknown)
    }

    @Test("A claim is granted once, and answered with what came of it")
    func once() throws {
        let place = Place()
        let table = try place.table()
        let claim = IdempotencyClaim(owner: 7, key: "a", content: [1])
        let again = IdempotencyClaim(owner: 7, key: "a", content: [1])
        #expect(try table.claim(claim, by: 1, now: 100, live: [1, 2]) == .granted)
        // The same claim after a state process that died with its answer.
        #expect(try table.claim(claim, by: 1, now: 100, live: [1, 2]) == .granted)
        #expect(try table.claim(again, by: 1, now: 100, live: [1, 2]) == .running)
        #expect(try table.claim(again, by: 2, now: 100, live: [1, 2]) == .running)
        #expect(
            try table.claim(IdempotencyClaim(owner: 7, key: "a", content: [2]), by: 2, now: 100, live: [1, 2])
                == .otherRequest)
        #expect(
            try table.claim(IdempotencyClaim(owner: 8, key: "a", content: [2]), by: 2, now: 100, live: [1, 2])
                == .granted)
        // An end of another claim changes nothing.
        try table.end(IdempotencyEnd(again, .released))
        #expect(try table.claim(again, by: 2, now: 100, live: [1, 2]) == .running)
        try table.end(IdempotencyEnd(claim, .answered(response)))
        try table.end(IdempotencyEnd(claim, .released))
        #expect(try table.claim(again, by: 2, now: 100, live: [1, 2]) == .answered(response))
        #expect(try table.claim(again, by: 2, now: 100 + IdempotencyTable.memory, live: [1, 2]) == .granted)
    }

    @Test("Who is gone, or takes longer than any call, leaves an outcome that is not known; what was released is free")
    func gone() throws {
        let place = Place()
        let table = try place.table()
        let claim = IdempotencyClaim(owner: 7, key: "a", content: [1])
        let again = IdempotencyClaim(owner: 7, key: "a", content: [1])
        #expect(try table.claim(claim, by: 1, now: 100, live: [1]) == .granted)
        #expect(try table.claim(again, by: 2, now: 100, live: nil) == .running)
        #expect(try table.claim(again, by: 2, now: 100, live: [2]) == .unknown)
        #expect(try table.claim(again, by: 2, now: 100 + IdempotencyTable.longestCall, live: [1, 2]) == .unknown)
        try table.end(IdempotencyEnd(claim, .released))
        #expect(try table.claim(again, by: 2, now: 100, live: [2]) == .granted)
        try table.end(IdempotencyEnd(again, .unknown))
        #expect(try table.claim(claim, by: 2, now: 100, live: [2]) == .unknown)
    }

    @Test("The keys of one owner have a bound, and others have room beside them")
    func bounds() throws {
        let place = Place()
        var table = try place.table()
        (table.mostOfOwner, table.most) = (20, 22)
        try table.database.transaction { () throws(DatabaseError) in
            for number in 0..<table.mostOfOwner {
                _ = try table.claim(IdempotencyClaim(owner: 7, key: "\(number)", content: []), by: 1, now: 1, live: [1])
            }
        }
        #expect(try table.claim(IdempotencyClaim(owner: 7, key: "x", content: []), by: 1, now: 1, live: [1]) == .full)
        #expect(
            try table.claim(IdempotencyClaim(owner: 8, key: "x", content: []), by: 1, now: 1, live: [1]) == .granted)
        #expect(
            try table.claim(IdempotencyClaim(owner: 9, key: "x", content: []), by: 1, now: 1, live: [1]) == .granted)
        #expect(try table.claim(IdempotencyClaim(owner: 9, key: "y", content: []), by: 1, now: 1, live: [1]) == .full)
        #expect(
            try table.claim(
                IdempotencyClaim(owner: 7, key: "x", content: []), by: 1, now: 1 + IdempotencyTable.memory, live: [1])
                == .granted)
    }
}
