package import HTTP
package import Hub

/// Why a call failed, in the Hub's own words where they are known; a redirect is one too.
package struct SandboxRefusal: Error {
    package let status: Status
    /// For X-Error-Message, and `error` in the body.
    package let message: String
    /// For X-Error-Code.
    package var code: String?
    /// Other members of the body.
    package var members: [String: JSON] = [:]
    package var headers: Headers = [:]
    /// Of the CDN.
    package var isXML = false

    /// The Hub's sentence for every name that it refuses.
    package static let nameRule = """
        Only regular characters and '-', '_', '.' are accepted. '--' and '..' are forbidden. '-' and '.' cannot start \
        or end the name. The name cannot end with ".git". Max length is \(RepoID.longest).
        """

    /// The response of `work`, or the refusal's.
    package static func answer(_ work: () throws(SandboxRefusal) -> Response) -> Response {
        do {
            return try work()
        } catch {
            return error.response
        }
    }

    package var response: Response {
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
    /// A JSON response in the Hub's form.
    package init(_ status: Status, hub json: JSON) {
        guard let body = try? json.encoded() else {
            self.init(.internalServerError, text: "Internal Error")
            return
        }
        self.init(status, headers: ["Content-Type": "application/json; charset=utf-8"], body: body)
    }
}

extension SandboxRefusal {
    package static func badRequest(_ message: String) -> Self { Self(status: .badRequest, message: message) }

    /// For a name in a body.
    package static var badName: Self { badRequest(nameRule) }

    private static let challenge = "Bearer realm=\"Authentication required\", charset=\"UTF-8\""

    package static var unknownToken: Self {
        Self(
            status: .unauthorized, message: "Invalid credentials in Authorization header",
            headers: ["WWW-Authenticate": challenge])
    }

    /// The Hub's words, though they speak of tokens. It uses them for private repositories and for those that do not exist, so
    /// that a stranger cannot tell these apart.
    package static var anonymous: Self {
        Self(
            status: .unauthorized, message: "Invalid username or password.", headers: ["WWW-Authenticate": challenge])
    }

    /// `what` completes "the rights to".
    package static func forbidden(_ what: String) -> Self {
        Self(status: .forbidden, message: "You don't have the rights to \(what)")
    }

    package static var repoNotFound: Self {
        Self(status: .notFound, message: "Repository not found", code: "RepoNotFound")
    }

    /// Encoded and only if it can be a revision, as it goes into a header.
    package static func revisionNotFound(_ text: String) -> Self {
        let shown = (try? Revision(text)).map { ": \($0.path)" } ?? ""
        return Self(status: .notFound, message: "Invalid rev id\(shown)", code: "RevisionNotFound")
    }

    /// With the commit that does not have it: clients remember that.
    package static func entryNotFound(in commit: SandboxCommit) -> Self {
        Self(
            status: .notFound, message: "Entry not found", code: "EntryNotFound", headers: ["X-Repo-Commit": commit.id])
    }

    /// For a client that has to ask for access first.
    package static func gated(_ repo: SandboxRepo, anonymous: Bool) -> Self {
        let message =
            "Access to \(repo.kind.apiName) \(repo.id.text) is restricted. You must have access to it and be "
            + "authenticated to access it. Please log in."
        return Self(status: anonymous ? .unauthorized : .forbidden, message: message, code: "GatedRepo")
    }

    package static var referenceExists: Self { Self(status: .conflict, message: "Reference already exists") }

    /// `parentCommit` is not the head any more.
    package static var headMoved: Self {
        Self(
            status: .preconditionFailed, message: "A commit has happened since. Please refresh and try again.")
    }

    /// The sandbox's own: no client must be able to fill its memory. `what` completes "no room for more".
    package static func full(_ what: String) -> Self {
        Self(status: .insufficientStorage, message: "The sandbox is full: no room for more \(what)")
    }

    package static var noSuchPage: Self {
        Self(status: .notFound, message: "Sorry, we can't find the page you are looking for.")
    }

    package static func methodNotAllowed(allow: [Method]) -> Self {
        let allowed = allow.map(\.rawValue).joined(separator: ", ")
        return Self(status: .methodNotAllowed, message: "Method not allowed", headers: ["Allow": allowed])
    }

    /// `url` is the existing repository's: clients that asked with `exist_ok` take it from here.
    package static func exists(_ kind: RepoKind, url: String) -> Self {
        Self(
            status: .conflict, message: "You already created this \(kind.apiName) repo",
            members: ["url": .string(url)])
    }

    package static var tooLarge: Self { Self(status: .contentTooLarge, message: "request entity too large") }

    package static func tooMany(retryAfter seconds: Int64) -> Self {
        Self(
            status: .tooManyRequests, message: "We had to rate limit you. Retry after \(seconds) s.",
            headers: ["Retry-After": "\(seconds)"])
    }

    package static func moved(to location: String) -> Self {
        Self(
            status: .temporaryRedirect, message: "Temporary Redirect. Redirecting to \(location)",
            headers: ["Location": location, "Content-Type": "text/plain; charset=utf-8", "Vary": "Accept"])
    }
}
