@testable import EventIO
@testable import HTTP
@testable import Hub
import Testing

/// A response of an upstream that breaks HTTP.
struct OddHead: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: String
    /// What the error says.
    var words = ""

    static let all = [
        OddHead(testDescription: "nothing at all", bytes: ""),
        OddHead(
            testDescription: "two Content-Lengths", bytes: ok("Content-Length: 2\r\nContent-Length: 3") + "OK!",
            words: "Content-Length"),
        OddHead(testDescription: "a negative length", bytes: ok("Content-Length: -2") + "OK", words: "Content-Length"),
        OddHead(testDescription: "a length that is a word", bytes: ok("Content-Length: two"), words: "Content-Length"),
        OddHead(
            testDescription: "a length and an encoding",
            bytes: ok("Content-Length: 2\r\nTransfer-Encoding: chunked") + "2\r\nOK\r\n0\r\n\r\n",
            words: "both Content-Length and Transfer-Encoding"),
        OddHead(
            testDescription: "an unknown encoding", bytes: ok("Transfer-Encoding: gzip") + "OK",
            words: "Transfer-Encoding"),
        OddHead(testDescription: "a name with a blank", bytes: ok("Bad Name: x") + "OK", words: "not a token"),
        OddHead(testDescription: "a blank before the colon", bytes: ok("Name : x") + "OK", words: "not a token"),
        OddHead(testDescription: "a field without a name", bytes: ok(": x") + "OK", words: "no name"),
        OddHead(testDescription: "a control character", bytes: ok("A: b\u{1}c") + "OK", words: "control character"),
        OddHead(
            testDescription: "300 fields", bytes: ok((0..<300).map { "A\($0): b" }.joined(separator: "\r\n")) + "OK",
            words: "too many fields"),
        OddHead(
            testDescription: "an endless field", bytes: ok("A: " + String(repeating: "b", count: 1 << 20)) + "OK"),
        OddHead(
            testDescription: "a head of a megabyte",
            bytes: ok(
                (0..<64).map { "A\($0): \(String(repeating: "b", count: 16_000))" }.joined(separator: "\r\n")) + "OK"),
        OddHead(
            testDescription: "an unasked 101",
            bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: tea\r\n\r\n"),
        OddHead(testDescription: "status 99", bytes: "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"),
        OddHead(testDescription: "status 600", bytes: "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"),
        OddHead(testDescription: "status 1000", bytes: "HTTP/1.1 1000 Odd\r\nContent-Length: 0\r\n\r\n"),
        OddHead(testDescription: "no status", bytes: "HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
        OddHead(testDescription: "another protocol", bytes: "SSH-2.0-OpenSSH_9.2\r\n"),
        OddHead(testDescription: "HTTP/0.9", bytes: "<html>hello</html>\r\n"),
        OddHead(
            testDescription: "ten interim answers without an end",
            bytes: String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 100)),
        OddHead(testDescription: "a cut head", bytes: "HTTP/1.1 200 OK\r\nContent-Le"),
        OddHead(testDescription: "a cut body", bytes: ok("Content-Length: 20") + "OK"),
        OddHead(testDescription: "a cut chunk", bytes: ok("Transfer-Encoding: chunked") + "5\r\nOK"),
        OddHead(testDescription: "no last chunk", bytes: ok("Transfer-Encoding: chunked") + "2\r\nOK\r\n"),
        OddHead(
            testDescription: "a chunk of no size", bytes: ok("Transfer-Encoding: chunked") + "x\r\nOK\r\n0\r\n\r\n"),
    ]

    private static func ok(_ fields: String) -> String { "HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n" }
}
