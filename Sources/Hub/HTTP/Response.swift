/// A whole response (RFC 9110 section 3.4). Whoever sends it adds what frames it: Content-Length, Connection, Date.
public struct Response: Sendable, Equatable {
    public var status: Status
    public var headers: Headers
    public var body: [UInt8]

    public init(_ status: Status, headers: Headers = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// `text` with its media type, such as `text/html`; always in UTF-8.
    public init(_ status: Status, text: String, type: String = "text/plain") {
        self.init(status, headers: ["Content-Type": "\(type); charset=utf-8"], body: Array(text.utf8))
    }

    public init(_ status: Status, json: JSON) throws(Failure) {
        self.init(status, headers: ["Content-Type": "application/json"], body: try json.encoded())
    }
}
