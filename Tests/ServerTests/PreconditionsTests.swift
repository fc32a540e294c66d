@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Conditions of requests, judged by the ETag that the gateway shows (RFC 9110 section 13.2.2).
struct PreconditionsTests {
    @Test(
        "If-Match compares strongly and If-None-Match weakly; of an ETag nobody knows nothing is judged",
        arguments: [
            ("If-Match", #""a""#, #""a""#, nil), ("If-Match", #""a""#, #""b""#, 412),
            ("If-Match", #"W/"a""#, #"W/"a""#, 412), ("If-Match", "*", #"W/"a""#, nil), ("If-Match", "", #""a""#, 412),
            ("If-Match", #""x,"a"","a""#, #""a""#, nil), ("If-Match", #""b""#, nil, nil),
            ("If-None-Match", #"W/"a""#, #""a""#, 304), ("If-None-Match", #""a""#, #"W/"a""#, 304),
            ("If-None-Match", "*", #""a""#, 304), ("If-None-Match", #""b", "c""#, #""a""#, nil),
            ("If-None-Match", #""b,a""#, #""a""#, nil), ("If-None-Match", "a", #""a""#, nil),
            ("If-None-Match", #""a"#, #""a""#, nil), ("If-None-Match", "", #""a""#, nil),
            ("If-None-Match", #""a""#, nil, nil),
        ] as [(String, String, String?, Int?)])
    func outcomes(name: String, value: String, etag: String?, wanted: Int?) throws {
        let request = Request(method: .get, target: .root, headers: [name: value])
        #expect(
            Preconditions.outcome(of: request, etag: etag) == (wanted.map { .answer(Status($0)) } ?? .goOn))
    }

    @Test("A list of 60,000 bytes is read once", arguments: ["\"", ",", "\"\",", "W/", "*"])
    func long(unit: String) {
        let value = String(repeating: unit, count: 60_000 / unit.utf8.count)
        let request = Request(method: .get, target: .root, headers: ["If-None-Match": value])
        let outcome = Preconditions.outcome(of: request, etag: "\"a\"")
        #expect(outcome == .goOn)
    }
}
