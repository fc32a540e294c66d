@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What leads to the Hub leads here instead, and nothing else is touched.
struct RewriteTests {
    private let rewrite = Rewrite.example

    @Test("Location and every relation of Link lead to the gateway; the rest of a Link stays")
    func fields() throws {
        var headers: Headers = [
            "Location": "https://huggingface.co/a%2Fb?x=1&y=",
            "Link": #"<https://huggingface.co/api/models?cursor=a%2Fb>; rel="next", </rel>; rel="self""#,
            "X-Other": "https://huggingface.co/x",
        ]
        headers.append("Link", #"<https://elsewhere.example/x>; rel="other""#)
        try rewrite.apply(to: &headers)
        #expect(headers["Location"] == "https://gate:8080/a%2Fb?x=1&y=")
        #expect(
            headers.values(of: "Link") == [
                #"<https://gate:8080/api/models?cursor=a%2Fb>; rel="next", </rel>; rel="self""#,
                #"<https://elsewhere.example/x>; rel="other""#,
            ])
        #expect(headers["X-Other"] == "https://huggingface.co/x")
    }

    @Test("A hundred links are rewritten; more, in one field or in many, are an error, well made or not")
    func manyLinks() throws {
        let link = "<https://huggingface.co/a>"
        func apply(_ values: [String]) throws -> [String] {
            var headers = Headers()
            for value in values { headers.append("Link", value) }
            try rewrite.apply(to: &headers)
            return headers.values(of: "Link")
        }
        func list(_ count: Int, _ text: String) -> String {
            [String](repeating: text, count: count).joined(separator: ",")
        }
        #expect(try apply([list(100, link)]) == [list(100, "<https://gate:8080/a>")])
        #expect(try apply([list(60, link), list(40, link)]).count == 2)
        for values in [
            [list(101, link)], [list(60, link), list(41, link)], [String](repeating: link, count: 101), [list(101, "")],
            [String](repeating: "", count: 101), [String(repeating: "<", count: 101)],
        ] {
            let error = #expect(throws: Failure.self) { try apply(values) }
            #expect(error?.detail.contains("more than 100 links") == true)
        }
        let words = #"<a>;rel="\#(String(repeating: "a ", count: 8192))""#
        let error = #expect(throws: Failure.self) { try apply([words]) }
        #expect(error?.detail.contains("more than 16384 bytes") == true)
    }

    @Test(
        "An address that only begins like the Hub's is another one",
        arguments: [
            "https://huggingface.com/x", "https://huggingface.co.evil.example/x", "https://huggingface.co:444/x",
            "http://huggingface.co/x", "/relative", "https://huggingface.co@evil.example/",
        ])
    func others(_ url: String) {
        #expect(rewrite.moved(url) == nil)
    }

    @Test("Who sent no Host is led to paths, and by none of them to another host")
    func withoutHost() {
        let rewrite = Rewrite.example("https://huggingface.co", "")
        #expect(rewrite.moved("https://huggingface.co/u/r") == "/u/r")
        #expect(rewrite.moved("https://huggingface.co//evil.example/x") == nil)
    }

    private let hosts = ContentHosts(
        domains: ["hf.co"], origins: ["https://127.0.0.1:999"], base: "https://huggingface.co/prefix")

    @Test(
        "Content is fetched from the hosts that the settings name, over https",
        arguments: [
            ("https://cdn-lfs.hf.co/x?sig=1", true), ("https://hf.co/x", true), ("https://CDN.HF.CO:443/x", true),
            ("https://127.0.0.1:999/x", true), ("https://127.0.0.1:998/x", false), ("http://cdn-lfs.hf.co/x", false),
            ("https://cdn-lfs.hf.co:8443/x", false), ("https://evilhf.co/x", false),
            ("https://hf.co.evil.example/", false),
            ("https://hf.co@evil.example/x", false), (#"https://evil.example\.hf.co/"#, false),
            ("https://169.254.169.254/latest", false), ("/relative", false),
        ])
    func allowed(_ url: String, _ isAllowed: Bool) {
        #expect(hosts.allows(url) == isAllowed)
    }

    @Test("A redirect to content becomes one answer with the Hub's metadata and the store's framing")
    func joined() throws {
        let redirect = Transfer.Head(
            status: .found,
            headers: [
                "Location": "https://cdn.hf.co/x", "X-Repo-Commit": "abc", "X-Linked-Etag": "\"sha\"",
                "X-Linked-Size": "7",
                "Content-Length": "99", "ETag": "\"other\"", "Content-Type": "text/plain",
            ])
        let get = Request(
            method: .get, target: try Target(hub: "/u/r/resolve/main/f"),
            headers: ["Range": "bytes=0-1", "Authorization": "Bearer hf_x", "Cookie": "a"])
        let hop = try #require(try FileRedirect(redirect, of: get, hosts: hosts))
        #expect(try hop.request(for: get).headers == ["Range": "bytes=0-1"])
        let head = try #require(hop.headAnswer)
        #expect(head.status == .ok && head.headers["Content-Length"] == "7" && head.headers["ETag"] == "\"sha\"")
        #expect(head.headers["X-Repo-Commit"] == "abc" && head.headers["Location"] == nil)
        let content = Transfer.Head(
            status: .partialContent,
            headers: ["Content-Length": "2", "Content-Range": "bytes 0-1/7", "ETag": "\"cdn\"", "Set-Cookie": "x"])
        let whole = hop.joined(content)
        #expect(whole.status == .partialContent && whole.headers["Content-Length"] == "2")
        #expect(whole.headers.values(of: "ETag") == ["\"sha\""] && whole.headers["Set-Cookie"] == nil)
    }

    @Test(
        "If-Range is decided by the ETag that the client knows; the store has another",
        arguments: [
            ("\"sha\"", ["Range": "bytes=5-"]), ("\"old\"", [:]), ("W/\"sha\"", [:]),
            (
                "Thu, 01 Jan 2026 00:00:00 GMT",
                ["Range": "bytes=5-", "If-Range": "Thu, 01 Jan 2026 00:00:00 GMT"]
            ),
        ] as [(String, Headers)])
    func conditional(_ condition: String, _ wanted: Headers) throws {
        let redirect = Transfer.Head(
            status: .found, headers: ["Location": "https://cdn.hf.co/x", "X-Linked-Etag": "\"sha\""])
        let get = Request(
            method: .get, target: try Target(hub: "/u/r/resolve/main/f"),
            headers: ["Range": "bytes=5-", "If-Range": condition])
        let hop = try #require(try FileRedirect(redirect, of: get, hosts: hosts))
        #expect(try hop.request(for: get).headers == wanted)
    }

    @Test("A redirect to a host that is not allowed is an error, and one on the Hub is the client's to follow")
    func elsewhere() throws {
        let get = Request(method: .get, target: try Target(hub: "/u/r/resolve/main/f"))
        let inside = Transfer.Head(status: .temporaryRedirect, headers: ["Location": "https://huggingface.co/new"])
        #expect(try FileRedirect(inside, of: get, hosts: hosts) == nil)
        let outside = Transfer.Head(status: .found, headers: ["Location": "https://169.254.169.254/"])
        #expect(throws: Failure.self) { try FileRedirect(outside, of: get, hosts: hosts) }
        let content = Transfer.Head(status: .found, headers: ["Location": "https://cdn.hf.co/x"])
        let post = Request(method: .post, target: try Target(hub: "/u/r"))
        #expect(throws: Failure.self) { try FileRedirect(content, of: post, hosts: hosts) }
    }

    @Test(
        "What a browser could take for another host is never passed on as a redirect",
        arguments: [
            ("/a/b?x=1", .hub), ("?cursor=2", .hub), ("b/c", .hub), ("https://huggingface.co/x", .hub),
            ("https://cdn.hf.co/x", .content), ("//evil.example/x", .elsewhere), ("https:evil.example", .elsewhere),
            (#"/\\evil.example"#, .elsewhere), (#"https:/\\evil.example"#, .elsewhere),
            ("https://u@evil.example/", .elsewhere),
            ("ftp://cdn.hf.co/x", .elsewhere), ("javascript:alert(1)", .elsewhere),
            ("https://evil.example/", .elsewhere), ("/\t/evil.example/x", .elsewhere), ("\t//evil.example", .elsewhere),
            ("//\u{301}evil.example", .elsewhere), ("/\u{301}\\x", .elsewhere), ("/\u{301}x", .hub),
        ] as [(String, ContentHosts.Place)])
    func places(_ location: String, _ place: ContentHosts.Place) {
        #expect(hosts.place(of: location) == place)
    }

    @Test(
        "Every relayed document is put into an origin of its own, beside what the Hub says",
        arguments: ["text/html; charset=utf-8", nil, "", "application/json", "application/octet-stream", "text/plain"])
    func documents(_ type: String?) {
        var headers: Headers = ["Content-Security-Policy": "default-src 'self'", "x-content-type-options": "no"]
        if let type { headers.append("Content-Type", type) }
        RelayedDocument.isolate(&headers)
        #expect(headers.values(of: "Content-Security-Policy") == ["default-src 'self'", "sandbox"])
        #expect(headers.values(of: "X-Content-Type-Options") == ["nosniff"])
        #expect(headers["Content-Type"] == type)
    }

    @Test(
        "A size that is no plain number, or is said in two ways, is none",
        arguments: [
            (["7"], 7), (["0"], 0), (["999999999999999999"], 999_999_999_999_999_999), (["7", "7"], 7), ([], nil),
            (["-7"], nil), (["+7"], nil), ([""], nil), (["7.0"], nil), (["9999999999999999999"], nil), (["٧"], nil),
            (["7", "8"], nil), (["7,7"], nil),
        ] as [([String], Int?)])
    func sizes(_ values: [String], _ wanted: Int?) throws {
        var headers: Headers = ["Location": "https://cdn.hf.co/x"]
        for value in values { headers.append("X-Linked-Size", value) }
        let get = Request(method: .head, target: try Target(hub: "/u/r/resolve/main/f"))
        let hop = try #require(try FileRedirect(Transfer.Head(status: .found, headers: headers), of: get, hosts: hosts))
        #expect(hop.linkedSize == wanted && (hop.headAnswer == nil) == (wanted == nil))
        #expect(hop.metadata.contains("X-Linked-Size") == (wanted != nil))
    }

    @Test(
        "Where a store's redirect leads is resolved from its own URL, and only where all read it alike",
        arguments: [
            ("https://b.hf.co/y", "https://b.hf.co/y"), ("/y?z", "https://a.hf.co:444/y?z"), ("//b.hf.co/y", nil),
            (#"/\b"#, nil), ("y", nil), ("", nil), ("?x", nil), ("https:b", nil), ("/\u{9}/b", nil),
        ] as [(String, String?)])
    func resolved(_ reference: String, _ wanted: String?) {
        #expect(ContentHosts.resolved(reference, from: "https://a.hf.co:444/x/y?q") == wanted)
    }
}
