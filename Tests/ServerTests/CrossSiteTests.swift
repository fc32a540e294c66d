@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// The pages of other sites cannot use an open gateway through a visitor's browser.
struct CrossSiteTests {
    private func request(_ method: Method, _ headers: Headers) throws -> Request {
        var headers = headers
        headers.append("Host", "localhost:8080")
        return Request(method: method, target: try Target(hub: "/api/repo"), headers: headers)
    }

    @Test(
        "a page of another site is recognised",
        arguments: [
            (.post, ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"]),
            (.post, ["Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"]),
            (.get, ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"]),
            (.post, ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"]),
            (.delete, ["Origin": "https://evil.example"]),
            (.post, ["Origin": "null"]),
            (.post, ["Origin": "http://localhost:8080"]),
            (.post, ["Origin": "https://localhost:8081"]),
        ] as [(Method, Headers)])
    func recognised(_ method: Method, _ headers: Headers) throws {
        #expect(CrossSite.sent(try request(method, headers)))
    }

    @Test(
        "tools, our own pages and links are let through",
        arguments: [
            (.post, [:]),
            (.delete, ["Sec-Fetch-Site": "same-origin", "Origin": "https://localhost:8080"]),
            (.post, ["Origin": "https://LOCALHOST:8080"]),
            (.get, ["Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"]),
            (.get, ["Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"]),
        ] as [(Method, Headers)])
    func letThrough(_ method: Method, _ headers: Headers) throws {
        #expect(!CrossSite.sent(try request(method, headers)))
    }
}
