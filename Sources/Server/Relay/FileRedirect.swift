import EventIO
import HTTP
import Hub

/// The step from the Hub to the store that has a file's bytes: the gateway takes it itself, so that a client needs to reach no other host,
/// and gets at the Hub's path the metadata that only the Hub's redirect carries.
struct FileRedirect: Sendable {
    /// The URL of the bytes: absolute, on a host that may hold the Hub's content.
    private(set) var url: String
    /// The head of the Hub's redirect.
    var redirect: Transfer.Head
    /// The method of the call to the store. It is the client's; where a store refuses HEAD, since the URL is signed for GET only,
    /// it is asked by GET, and the call ends with the head.
    private(set) var method: Method
    /// Whether the store's own redirect may still be followed.
    private var mayGoOn = true

    /// Fields of the request that choose which bytes come back. None of them is a credential.
    private static let requestFields = [
        "Range", "If-Range", "If-Modified-Since", "If-Unmodified-Since", "Accept-Encoding", "User-Agent",
    ]
    /// Fields about the content that only the store knows.
    private static let contentFields = [
        "Content-Length", "Content-Range", "Content-Encoding", "Accept-Ranges", "Content-Type", "Content-Disposition",
        "Last-Modified",
    ]
    /// Fields that describe the redirect, and would be wrong for the content.
    private static let redirectFields = [
        "Location", "Content-Length", "Content-Type", "Content-Encoding", "ETag",
    ]

    /// Nil where the response is no redirect, or leads to the Hub itself.
    /// Throws `hubBroken` for a redirect to any other host, because the client would follow it past the gateway.
    init?(_ head: Transfer.Head, of request: Request, hosts: ContentHosts) throws(Failure) {
        guard let location = try head.location, head.status.isRedirect else { return nil }
        let isRead = request.method == .get || request.method == .head
        switch hosts.place(of: location) {
        case .hub: return nil
        case .content where isRead && head.isFollowed: break
        case .content, .elsewhere:
            throw .contentElsewhere(ContentHosts.host(of: location) ?? "a place without a clear host")
        }
        url = location
        redirect = head
        method = request.method
    }

    /// The request for the bytes: of the client's fields only those that choose bytes.
    func request(for original: Request) throws(Failure) -> Request {
        var headers: Headers = [:]
        for name in Self.requestFields {
            if let value = original.headers[name] { headers.append(name, value) }
        }
        // RFC 9110 section 14.2: a range is ignored in HEAD, and a store that is asked by GET instead must not apply it.
        if original.method == .head {
            headers.remove("Range")
            headers.remove("If-Range")
        }
        // RFC 9110 section 13.2.2: dates count only where no entity tag is given, and entity tags are judged here.
        if original.headers.contains("If-None-Match") { headers.remove("If-Modified-Since") }
        if original.headers.contains("If-Match") { headers.remove("If-Unmodified-Since") }
        // The client knows the linked ETag, the store has another: the condition is decided here. A date is the store's.
        if let condition = headers["If-Range"], condition.hasSuffix("\"") {
            headers.remove("If-Range")
            if condition != metadata["ETag"] { headers.remove("Range") }
        }
        return Request(method: method, target: .root, headers: headers)
    }

    /// The store's response with the Hub's metadata: for the client one response of one server.
    func joined(_ content: Transfer.Head) -> Transfer.Head {
        var headers = metadata
        for name in Self.contentFields {
            if let value = content.headers[name] { headers.set(name, value) }
        }
        // Both have chosen: the Hub a place, the store a content coding.
        for value in content.headers.values(of: "Vary") { headers.append("Vary", value) }
        return Transfer.Head(status: content.status, headers: headers)
    }

    /// The linked ETag names the content in every client's cache; the store's own is different.
    var metadata: Headers {
        var headers = redirect.headers
        for name in Self.redirectFields { headers.remove(name) }
        if linkedSize == nil { headers.remove("X-Linked-Size") }
        if let etag = redirect.headers["X-Linked-Etag"] { headers.set("ETag", etag) }
        return headers
    }
}

// MARK: the next steps

extension FileRedirect {
    /// The same store, asked by GET.
    var byGet: FileRedirect {
        var hop = self
        hop.method = .get
        return hop
    }

    /// The redirect of the store. Throws `hubBroken` for a host that is not allowed, and for a second redirect.
    func onward(_ content: Transfer.Head, hosts: ContentHosts) throws(Failure) -> FileRedirect? {
        guard let location = try content.location, content.status.isRedirect else { return nil }
        let target = ContentHosts.resolved(location, from: url)
        let host = target.flatMap { ContentHosts.host(of: $0) } ?? "a place without a clear host"
        guard mayGoOn else { throw .storeLeadsOn(to: host) }
        guard let target, content.isFollowed, hosts.allows(target) else { throw .contentElsewhere(host) }
        var hop = self
        (hop.url, hop.mayGoOn) = (target, false)
        return hop
    }
}

extension Transfer.Head {
    /// Where it leads. Throws `hubBroken` for two locations: clients may differ in which one they follow.
    var location: String? {
        get throws(Failure) {
            guard headers.contains("Location") else { return nil }
            let all = headers.values(of: "Location")
            guard all.count == 1 else { throw .hubBroken("it has \(all.count) Location fields") }
            return all[0]
        }
    }

    /// Whether HTTP libraries follow such a redirect (RFC 9110 section 15.4).
    var isFollowed: Bool { [301, 302, 303, 307, 308].contains(status.code) }
}

extension Failure {
    /// The store that the Hub led to redirects to a second one, and that one on to `host`.
    static func storeLeadsOn(to host: String) -> Failure {
        Failure(
            .hubBroken,
            detail:
                "The store of the Hub's files leads on to \(host), after one redirect that this gateway has followed. It follows no second one."
        )
    }
}
