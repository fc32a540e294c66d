@testable import EventIO
@testable import HTTP
@testable import Hub
import Testing

@Suite("However the bytes of a request arrive")
struct RequestParserSplitTests {
    private static let host = "Host: h\r\n"
    private static let chunked = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

    static let requests = [
        "GET /a HTTP/1.1\r\n\(host)\r\n",
        "\r\nGET /a HTTP/1.1\r\n\(host)\r\n",
        "GET /a HTTP/1.1\r\n\(host)\r\n\r\nGET /b HTTP/1.1\r\n\(host)\r\n",
        "GET /a?b=c%20d HTTP/1.1\r\n\(host)X: \t y \t\r\nZ:\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "HEAD /a HTTP/1.1\r\n\(host)Content-Length: 0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\n\(host)\r\n",
        "GET http://h:80?q HTTP/1.1\r\n\(host)\r\n",
        "OPTIONS https://h HTTP/1.1\r\n\(host)\r\n",
        "GET http://[::1]:8/a HTTP/1.1\r\nHost: [::1]:8\r\n\r\n",
        "POST /a HTTP/1.1\r\n\(host)Content-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\n\(host)\r\n",
        "POST /a HTTP/1.1\r\n\(host)Content-Length: 4\r\n\r\n\r\n\r\n\r\nGET /b HTTP/1.1\r\n\(host)\r\n",
        "POST /a HTTP/1.1\r\n\(host)Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        "PUT /a HTTP/1.1\r\n\(host)Connection: x, close\r\nContent-Length: 0\r\n\r\n",
        "\(chunked)0\r\n\r\n",
        "\(chunked)5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n",
        "\(chunked)5;a=\"b\\\"c\" ; d = e\r\nhello\r\n0;x\r\nT: 1\r\nU:\r\n\r\nGET /b HTTP/1.1\r\n\(host)\r\n",
        "\(chunked)4\r\n\r\n\r\n\r\n0\r\n\r\n",
        "\r\n\r\nGET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\rHost: h\r\n\r\n",
        "GET  /a HTTP/1.1\r\n\(host)\r\n",
        "GET /a HTTP/2.0\r\n\(host)\r\n",
        "GET /../a HTTP/1.1\r\n\(host)\r\n",
        "GET /%zz HTTP/1.1\r\n\(host)\r\n",
        "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
        "GET http://g/ HTTP/1.1\r\n\(host)\r\n",
        "GET /a HTTP/1.1\r\n\(host)X : y\r\n\r\n",
        "GET /a HTTP/1.1\r\n\(host)X: y\r\n z\r\n\r\n",
        "GET /a HTTP/1.1\r\n\(host)X: a\r\r\n\r\n",
        "GET /a HTTP/1.1\r\n\(host)\0\r\nGET /b HTTP/1.1\r\n\(host)\r\n",
        "GET /a HTTP/1.1\r\n\(host)\(host)\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "POST /a HTTP/1.1\r\n\(host)Content-Length: 5, 5\r\n\r\nhello",
        "POST /a HTTP/1.1\r\n\(host)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        "POST /a HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\n\(host)Expect: x\r\n\r\n",
        "\(chunked)5\r\nhelloX\r\n0\r\n\r\n",
        "\(chunked)0x5\r\nhello\r\n0\r\n\r\n",
        "\(chunked)5;\r\nhello\r\n0\r\n\r\n",
        "\(chunked)0\r\nX\r\n\r\n",
        "\(chunked)1\r\nx\r\n0\r\nX: a\n\r\n",
    ]

    @Test("in two pieces cut anywhere, the events are the same", arguments: requests)
    func twoPieces(_ request: String) throws {
        let bytes = Array(request.utf8)
        let whole = try #require(ParserDriver.events(of: bytes))
        #expect(!whole.isEmpty)
        for cut in 1..<bytes.count {
            #expect(ParserDriver.events(of: bytes, cutAt: [cut]) == whole, "cut at \(cut)")
        }
    }

    @Test("in three pieces cut anywhere, the events are the same", arguments: requests)
    func threePieces(_ request: String) throws {
        let bytes = Array(request.utf8)
        let whole = try #require(ParserDriver.events(of: bytes))
        for first in 1..<bytes.count - 1 {
            for second in stride(from: first + 1, to: bytes.count, by: 3) {
                let events = ParserDriver.events(of: bytes, cutAt: [first, second])
                guard events == whole else {
                    Issue.record("cut at \(first) and \(second)")
                    return
                }
            }
        }
    }

    @Test("byte by byte, the events are the same", arguments: requests)
    func byteByByte(_ request: String) throws {
        let bytes = Array(request.utf8)
        let whole = try #require(ParserDriver.events(of: bytes))
        #expect(ParserDriver.events(of: bytes, cutAt: Array(1..<bytes.count)) == whole)
    }
}
