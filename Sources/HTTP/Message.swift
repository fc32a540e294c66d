/// A request's head and, where it was collected, its body (RFC 9110 section 3.4).
package struct Request: Sendable {
    package let method: Method
    package var target: Target
    package var headers: Headers
    package var body: [UInt8]

    package init(method: Method, target: Target, headers: Headers = [:], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// Whether the client prefers `text/plain` to JSON: it names the one in Accept and not the other.
    package var prefersPlainText: Bool {
        headers.lists("Accept", anyOf: Self.plainText) && !headers.lists("Accept", anyOf: Self.json)
    }

    private static let plainText = CaselessWords(["text/plain"])
    private static let json = CaselessWords(["application/json"])
}

/// A whole response (RFC 9110 section 3.4). Its sender adds Content-Length, Connection and Date.
package struct Response: Sendable, Equatable {
    package var status: Status
    package var headers: Headers
    package var body: [UInt8]

    package init(_ status: Status, headers: Headers = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// `text` with its media type, such as `text/html`; always in UTF-8.
    package init(_ status: Status, text: String, type: String = "text/plain") {
        self.init(status, headers: ["Content-Type": "\(type); charset=utf-8"], body: Array(text.utf8))
    }
}

/// A request method (RFC 9110 section 9). Methods are case-sensitive, so `get` is not `GET`.
package struct Method: Hashable, Sendable {
    /// The method as written in the request line.
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    @inlinable package static func == (left: Method, right: Method) -> Bool { left.rawValue == right.rawValue }

    package static let get = Method(rawValue: "GET")
    package static let head = Method(rawValue: "HEAD")
    package static let post = Method(rawValue: "POST")
    package static let put = Method(rawValue: "PUT")
    package static let delete = Method(rawValue: "DELETE")
    package static let patch = Method(rawValue: "PATCH")
    package static let options = Method(rawValue: "OPTIONS")

    /// Whether the method is safe (RFC 9110 section 9.2.1).
    package var isSafe: Bool {
        switch rawValue {
        case "GET", "HEAD", "OPTIONS", "TRACE": true
        default: false
        }
    }
}

extension Method: CustomStringConvertible {
    package var description: String { rawValue }
}
