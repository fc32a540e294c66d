import Hub

/// What is not the Hub's: below `/-/`, for tests that are another process. None of it is in the journal.
extension Sandbox {
    static let journalPath = "/-/journal"
    static let cutPath = "/-/cut"
    static let xorbGrantsPath = "/-/xorb-grants"

    /// Tells the server to break the connection after that many bytes of the content; it takes the field off.
    static let cutField = "X-Sandbox-Cut"

    private static let mostCuts = 100

    /// The answer to a call of a test; nil for any other.
    mutating func control(_ request: Request) -> Response? {
        switch request.target.path {
        case Self.journalPath: Response(.ok, hub: .array(journal.map(\.json)))
        case Self.cutPath: planCut(SandboxQuery(request.target.query ?? ""))
        case Self.xorbGrantsPath: switchXorbGrants(SandboxQuery(request.target.query ?? ""))
        default: nil
        }
    }

    /// POST /-/xorb-grants?on=: whether xorbs go to the CDN, by an address that the CAS gives for each.
    private mutating func switchXorbGrants(_ query: SandboxQuery) -> Response {
        grantsXorbs = query.isSet("on")
        return Response(.ok, text: "OK")
    }

    /// POST /-/cut?etag=&after=: the next GET of the whole content with this ETag breaks off after so many bytes.
    private mutating func planCut(_ query: SandboxQuery) -> Response {
        guard let etag = query["etag"], let count = query["after"].flatMap({ Int($0) }), count >= 0,
            cuts.count < Self.mostCuts
        else { return SandboxRefusal.badRequest("\"etag\" and \"after\" are wanted").response }
        cuts[etag] = count
        return Response(.ok, text: "OK")
    }

    /// `response` with the break that was planned for it, if it is the one.
    mutating func cut(_ response: Response, of etag: String, to request: Request) -> Response {
        guard request.method == .get, response.status == .ok, let count = cuts.removeValue(forKey: etag) else {
            return response
        }
        var broken = response
        broken.headers.set(Self.cutField, String(min(count, response.body.count)))
        return broken
    }
}
