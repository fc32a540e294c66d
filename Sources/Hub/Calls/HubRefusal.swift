package import HTTP

/// The Hub's refusal: its response instead of a success, as far as the caller may see it.
package struct HubRefusal: Sendable, Equatable {
    package let status: Status
    /// `X-Error-Code`, such as `RepoNotFound`.
    package let code: String?
    /// The Hub's sentence: one line, never empty, at most a few hundred characters.
    package let message: String
    /// The fields that tell the caller when and how to try again; see `Headers` names in `keptFields`.
    package let headers: Headers

    package init(
        status: Status, code: String? = nil, message: String, headers: Headers = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }

    /// The fields of the Hub's response that `headers` keeps.
    package static let keptFields = [
        "Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate", "X-HF-Warning",
    ]
}

extension HubRefusal {
    /// Reads a response that is not a success, in all the forms the Hub's client knows (hub-api.md, "Errors").
    /// Every body gives a message.
    package init(status: Status, headers: Headers, body: [UInt8]) {
        let inBody = Self.message(inBody: body, isHTML: Self.isHTML(headers, body))
        let candidates = [headers["X-Error-Message"], inBody]
        let message = candidates.lazy.compactMap { $0.map(Self.oneLine) }.first { !$0.isEmpty }
        var kept = Headers()
        for name in Self.keptFields {
            for value in headers.values(of: name) { kept.append(name, value) }
        }
        self.init(
            status: status, code: headers["X-Error-Code"], message: message ?? "The Hub answered \(status).",
            headers: kept)
    }

    /// `{"error": "…"}`, `{"error": ["…"]}`, `{"errors": [{"message": "…"}]}`, `error_description`, or the text itself.
    private static func message(inBody body: [UInt8], isHTML: Bool) -> String? {
        guard let json = try? JSON.parse(body, within: .reply) else {
            return isHTML ? nil : String(decoding: body.prefix(longestMessage), as: UTF8.self)
        }
        if let text = json.stringValue { return text }
        let found = ["error", "errors", "error_description", "message"].flatMap { texts(json[$0]) }
        return found.isEmpty ? nil : found.joined(separator: " ")
    }

    private static func texts(_ json: JSON?) -> [String] {
        switch json {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap { texts($0) }
        case .object(let members): texts(members["message"])
        default: []
        }
    }

    private static func isHTML(_ headers: Headers, _ body: [UInt8]) -> Bool {
        headers["Content-Type"]?.lowercased().contains("html") == true
            || body.first { $0 > 0x20 } == UInt8(ascii: "<")
    }

    /// The message goes into a header and a log line, so it is one line of bounded length.
    private static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(longestMessage) {
            let breaks =
                scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                || scalar.value == 0x2028 || scalar.value == 0x2029
            line.unicodeScalars.append(breaks ? " " : scalar)
        }
        return String(Substring(line.utf8.trimmingOWS()))
    }

    private static let longestMessage = 500
}
