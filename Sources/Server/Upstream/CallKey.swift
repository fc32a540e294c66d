internal import Hub

/// What makes two requests the same call: whoever is answered for one of them may get the answer to the other.
///
/// It has every byte of the head but what names a single request, so that no field that we do not know can make a difference
/// to the Hub that it does not make here. The credential is one of them: answers never cross identities.
struct CallKey: Hashable, Sendable {
    private let bytes: [UInt8]

    /// Fields in which identical requests differ: traces.
    private static let ofOneRequest = ["X-Amzn-Trace-Id", "X-Request-Id", "Traceparent", "Tracestate"]
    /// Fields that ask for a part, or for what nobody else has got.
    private static let ofItsOwn = ["Range", "If-Range", "Pragma"]
    /// Answers that are somebody's own, or that go on for as long as the client listens.
    private static let ownEndpoints = ["/xet-read-token/", "/xet-write-token/", "/logs/", "/events", "/metrics"]

    /// Nil for a request that has to be a call of its own: anything but GET and HEAD, one with a body, one for a part of a
    /// file, one that wants no stored answer (RFC 9111 section 5.2.1), GET of anything but the Hub's API.
    init?(_ request: Request, hasBody: Bool, access: Access) {
        let isHead = request.method == .head
        guard !hasBody, isHead || request.method == .get else { return nil }
        let target = request.target.pathAndQuery
        guard isHead || Self.isMetadata(target) else { return nil }
        let headers = request.headers
        guard !Self.ofItsOwn.contains(where: headers.contains), !Self.wantsItsOwn(headers) else { return nil }

        var bytes: [UInt8] = []
        bytes.reserveCapacity(headers.bytes.count + target.utf8.count + 64)
        bytes += request.method.rawValue.utf8
        bytes += " ".utf8
        bytes += target.utf8
        for index in headers.fields.indices where !Self.isLeftOut(headers, index, access) {
            headers.withField(at: index) { name, value in
                bytes.append(0)
                for position in name.indices { bytes.append(name[position]) }
                bytes.append(UInt8(ascii: ":"))
                for position in value.indices { bytes.append(value[position]) }
            }
        }
        self.bytes = bytes
    }

    /// In open access nobody looks at a client's own credential, and all are the gateway's token.
    private static func isLeftOut(_ headers: Headers, _ index: Int, _ access: Access) -> Bool {
        ofOneRequest.contains { headers.isField(at: index, named: $0) }
            || (access == .open && headers.isField(at: index, named: "Authorization"))
    }

    private static func isMetadata(_ target: String) -> Bool {
        guard target.hasPrefix("/api/"), !target.hasPrefix("/api/resolve-cache/") else { return false }
        return !ownEndpoints.contains { target.contains($0) }
    }

    private static func wantsItsOwn(_ headers: Headers) -> Bool {
        guard headers.contains("Cache-Control") else {
            return headers.contains("Accept")
                && headers.tokens(of: "Accept").contains { $0.hasPrefix("text/event-stream") }
        }
        return headers.tokens(of: "Cache-Control").contains { ["no-cache", "no-store", "max-age=0"].contains($0) }
    }
}
