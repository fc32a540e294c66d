import Hub

/// Why a call was not answered as asked, in the Hub's own words where they are known; a redirect is one too.
struct SandboxRefusal: Error {
    let status: Status
    /// For X-Error-Message, and `error` in the body.
    let message: String
    /// For X-Error-Code.
    var code: String?
    /// Other members of the body.
    var members: [String: JSON] = [:]
    var headers: Headers = [:]
    /// Of the CDN.
    var isXML = false

    /// What the Hub says to every name that it does not take.
    static let nameRule = """
        Only regular characters and '-', '_', '.' are accepted. '--' and '..' are forbidden. '-' and '.' cannot start \
        or end the name. The name cannot end with ".git". Max length is \(RepoID.longest).
        """

    /// The answer of `work`, or the refusal's.
    static func answer(_ work: () throws(SandboxRefusal) -> Response) -> Response {
        do {
            return try work()
        } catch {
            return error.response
        }
    }

    var response: Response {
        if status.isRedirect { return Response(status, headers: headers, body: Array(message.utf8)) }
        if isXML {
            let text = "<Error><Code>\(code ?? "")</Code><Message>\(message)</Message></Error>"
            return Response(status, headers: ["Content-Type": "application/xml"], body: Array(text.utf8))
        }
        var response = Response(status, hub: .object(members.merging(["error": .string(message)]) { $1 }))
        response.headers.set("X-Error-Message", message)
        if let code { response.headers.set("X-Error-Code", code) }
        for (name, value) in headers { response.headers.set(name, value) }
        return response
    }
}

extension Response {
    /// A JSON answer as the Hub labels it.
    init(_ status: Status, hub json: JSON) {
        guard let body = try? json.encoded() else {
            self.init(.internalServerError, text: "Internal Error")
            return
        }
        self.init(status, headers: ["Content-Type": "application/json; charset=utf-8"], body: body)
    }
}
