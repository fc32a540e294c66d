internal import Hub

/// The step from the Hub to where a file's bytes are: the gateway takes it itself, so that a client needs to reach no other host
/// and what it gets at the Hub's path has the metadata that only the Hub's redirect carries.
struct ContentHop: Sendable {
    /// Where the bytes are: absolute, on one of the hosts that are allowed to hold the Hub's content.
    let url: String
    /// The head of the Hub's redirect.
    var redirect: Transfer.Head

    /// Fields of the request that choose which bytes come back. No credential is among them.
    private static let requestFields = ["Range", "If-Range", "Accept-Encoding", "User-Agent"]
    /// What only the store knows of the content that it sends.
    private static let contentFields = [
        "Content-Length", "Content-Range", "Content-Encoding", "Accept-Ranges", "Content-Type", "Content-Disposition",
        "Last-Modified",
    ]
    /// What describes the redirect and would be wrong of the content.
    private static let redirectFields = [
        "Location", "Content-Length", "Content-Type", "Content-Encoding", "ETag",
    ]

    /// Nil where the answer does not redirect, or redirects to a place on the Hub.
    /// Throws `hubBroken` for a redirect to anywhere else, because the client would follow it out of here.
    init?(_ head: Transfer.Head, of request: Request, hosts: ContentHosts) throws(Failure) {
        guard head.status.isRedirect, [301, 302, 303, 307, 308].contains(head.status.code),
            let location = head.headers["Location"]
        else {
            return nil
        }
        let isRead = request.method == .get || request.method == .head
        switch hosts.place(of: location) {
        case .hub: return nil
        case .content where isRead: break
        case .content, .elsewhere:
            throw .contentElsewhere(ContentHosts.host(of: location) ?? "a place without a clear host")
        }
        url = location
        redirect = head
    }

    /// The request for the bytes: nothing of the client goes along but what chooses them.
    func request(for original: Request) throws(Failure) -> Request {
        var headers: Headers = [:]
        for name in Self.requestFields {
            if let value = original.headers[name] { headers.append(name, value) }
        }
        // The client knows the linked ETag, the store one of its own: the condition is decided here. A date is the store's.
        if let condition = headers["If-Range"], condition.hasSuffix("\"") {
            headers.remove("If-Range")
            if condition != metadata["ETag"] { headers.remove("Range") }
        }
        return Request(method: .get, target: .root, headers: headers)
    }

    /// What HEAD is answered without asking the store: it knows the size under another name.
    var headAnswer: Transfer.Head? {
        guard let size = redirect.headers["X-Linked-Size"] else { return nil }
        var headers = metadata
        headers.set("Content-Length", size)
        headers.set("Accept-Ranges", "bytes")
        return Transfer.Head(status: .ok, headers: headers)
    }

    /// The store's answer with the Hub's metadata: to the client one answer of one server.
    func joined(_ content: Transfer.Head) -> Transfer.Head {
        var headers = metadata
        for name in Self.contentFields {
            if let value = content.headers[name] { headers.append(name, value) }
        }
        // Both have chosen: the Hub where the content is, the store in which coding.
        for value in content.headers.values(of: "Vary") { headers.append("Vary", value) }
        return Transfer.Head(status: content.status, headers: headers)
    }

    /// The linked ETag names the content in every client's cache; the store's own is another.
    private var metadata: Headers {
        var headers = redirect.headers
        for name in Self.redirectFields { headers.remove(name) }
        if let etag = redirect.headers["X-Linked-Etag"] { headers.set("ETag", etag) }
        return headers
    }
}
