package import HTTP
package import Hub

/// Endpoints that are not the Hub's: below `/-/`, for tests in another process. None of them is in the journal.
extension Sandbox {
    package static let journalPath = "/-/journal"
    package static let cutPath = "/-/cut"
    package static let xorbGrantsPath = "/-/xorb-grants"

    /// Tells the server to break the connection after that many bytes of the content; the server removes the field.
    package static let cutField = "X-Sandbox-Cut"

    private static let mostCuts = 100

    /// The response to a call of a test; nil for any other.
    package mutating func control(_ request: Request) -> Response? {
        switch request.target.path {
        case Self.journalPath: Response(.ok, hub: .array(journal.map(\.json)))
        case Self.cutPath: planCut(SandboxQuery(request.target.query ?? ""))
        case Self.xorbGrantsPath: switchXorbGrants(SandboxQuery(request.target.query ?? ""))
        default: nil
        }
    }

    /// POST /-/xorb-grants?on=: whether xorbs are uploaded to the CDN, at an address that the CAS gives for each.
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

    /// `response` with the break that was planned for it, if there is one.
    package mutating func cut(_ response: Response, of etag: String, to request: Request) -> Response {
        guard request.method == .get, response.status == .ok, let count = cuts.removeValue(forKey: etag) else {
            return response
        }
        var broken = response
        broken.headers.set(Self.cutField, String(min(count, response.body.count)))
        return broken
    }
}

/// Calls that clients make of their own accord.
extension Sandbox {
    /// POST /api/validate-yaml `{content, repoType}`: checks only the delimiters of a card's metadata.
    package static func validateYAML(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let text = try call.body().string("content")
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.hasSuffix("\r") ? $0.dropLast() : $0
        }
        guard lines.first == "---" else {
            return Response(
                .ok, hub: ["errors": [], "warnings": [["message": "empty or missing yaml metadata in repo card"]]])
        }
        guard lines.dropFirst().contains("---") else {
            let message: JSON = "The metadata block is not closed by a line of \"---\""
            return Response(
                .badRequest, hub: ["error": message, "errors": [["message": message]], "warnings": []])
        }
        return Response(.ok, hub: ["errors": [], "warnings": []])
    }

    /// GET /api/agent-harnesses: an empty list.
    package static func agentHarnesses(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, hub: ["standardEnvVars": [], "harnesses": [:]])
    }

    /// HEAD /api/telemetry/{topic}
    package static func telemetry(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        Response(.ok, text: "OK")
    }
}

/// The last requests that the sandbox got, so that a test can say "each write reached the Hub once".
package struct SandboxJournal {
    package struct Entry: Sendable, Equatable {
        package let place: SandboxPlace
        package let method: Method
        /// Without the values of parameters that look secret, and cut after `longestTarget` characters.
        package let target: String
        /// `none`, `unknown`, `xet`, or the name of the Hub's token; never a value.
        package let credential: String
        package let bodyLength: Int
        /// The status of its response.
        package let status: Status

        package static let longestTarget = 500

        package init(
            _ request: Request, _ credential: SandboxCredential, _ status: Status, at place: SandboxPlace = .hub
        ) {
            self.place = place
            method = request.method
            target = String(request.target.loggable.prefix(Self.longestTarget))
            self.credential = credential.name
            bodyLength = request.body.count
            self.status = status
        }

        /// Whether any Authorization came with it: on the CDN none may, and on the CAS only `xet`.
        package var hasAuthorization: Bool { credential != SandboxCredential.none.name }

        package var json: JSON {
            [
                "origin": .string(place.rawValue), "method": .string(method.rawValue), "target": .string(target),
                "credential": .string(credential), "authorization": .bool(hasAuthorization),
                "bodyLength": .integer(Int64(bodyLength)), "status": .integer(Int64(status.code)),
            ]
        }
    }

    package static let capacity = 10_000

    /// How many there have been.
    package private(set) var count = 0
    private var slots: [Entry] = []
    /// The oldest entry, once all slots are taken.
    private var oldest = 0

    /// Oldest first.
    package var entries: [Entry] { Array(slots[oldest...] + slots[..<oldest]) }

    package mutating func append(_ entry: Entry) {
        count += 1
        guard slots.count == Self.capacity else { return slots.append(entry) }
        slots[oldest] = entry
        oldest = (oldest + 1) % Self.capacity
    }
}
