extension HubRefusal {
    /// Reads an answer that is not a success, in all the forms the Hub's client knows (hub-api.md, "Errors").
    /// Whatever the body is, a message comes out.
    public init(status: Status, headers: Headers, body: [UInt8]) {
        let inBody = Self.message(inBody: body, isHTML: Self.isHTML(headers, body))
        let candidates = [headers["X-Error-Message"], inBody]
        let message = candidates.lazy.compactMap { $0.map(Self.oneLine) }.first { !$0.isEmpty }
        var kept = Headers()
        for name in Self.keptFields {
            for value in headers.values(of: name) { kept.append(name, value) }
        }
        let idNames = ["X-Request-Id", "X-Amzn-Trace-Id", "X-Amz-Cf-Id"]
        let requestID = idNames.lazy.compactMap { headers[$0] }.first
        self.init(
            status: status, code: headers["X-Error-Code"], message: message ?? "The Hub answered \(status).",
            headers: kept, hubRequestID: requestID)
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
