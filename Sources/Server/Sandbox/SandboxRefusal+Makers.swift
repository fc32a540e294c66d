import Hub

extension SandboxRefusal {
    static func badRequest(_ message: String) -> Self { Self(status: .badRequest, message: message) }

    /// For a name in a body.
    static var badName: Self { badRequest(nameRule) }

    private static let challenge = "Bearer realm=\"Authentication required\", charset=\"UTF-8\""

    static var unknownToken: Self {
        Self(
            status: .unauthorized, message: "Invalid credentials in Authorization header",
            headers: ["WWW-Authenticate": challenge])
    }

    /// The Hub's words, though it speaks of tokens. It says the same of what is private and of what does not exist, so
    /// that a stranger cannot tell them apart.
    static var anonymous: Self {
        Self(
            status: .unauthorized, message: "Invalid username or password.", headers: ["WWW-Authenticate": challenge])
    }

    /// `what` completes "the rights to".
    static func forbidden(_ what: String) -> Self {
        Self(status: .forbidden, message: "You don't have the rights to \(what)")
    }

    static var repoNotFound: Self {
        Self(status: .notFound, message: "Repository not found", code: "RepoNotFound")
    }

    /// Encoded and only if it can be a revision, as it goes into a header.
    static func revisionNotFound(_ text: String) -> Self {
        let shown = (try? Revision(text)).map { ": \($0.path)" } ?? ""
        return Self(status: .notFound, message: "Invalid rev id\(shown)", code: "RevisionNotFound")
    }

    /// With the commit in which it is not: clients remember that it is not there.
    static func entryNotFound(in commit: SandboxCommit) -> Self {
        Self(
            status: .notFound, message: "Entry not found", code: "EntryNotFound", headers: ["X-Repo-Commit": commit.id])
    }

    /// For who must ask for access first.
    static func gated(_ repo: SandboxRepo, anonymous: Bool) -> Self {
        let message =
            "Access to \(repo.kind.apiName) \(repo.id.text) is restricted. You must have access to it and be "
            + "authenticated to access it. Please log in."
        return Self(status: anonymous ? .unauthorized : .forbidden, message: message, code: "GatedRepo")
    }

    static var referenceExists: Self { Self(status: .conflict, message: "Reference already exists") }

    /// `parentCommit` is not the head any more.
    static var headMoved: Self {
        Self(
            status: .preconditionFailed, message: "A commit has happened since. Please refresh and try again.")
    }

    /// The sandbox's own: nobody must be able to fill its memory. `what` completes "no room for more".
    static func full(_ what: String) -> Self {
        Self(status: .insufficientStorage, message: "The sandbox is full: no room for more \(what)")
    }

    static var noSuchPage: Self {
        Self(status: .notFound, message: "Sorry, we can't find the page you are looking for.")
    }

    static func methodNotAllowed(allow: [Method]) -> Self {
        let allowed = allow.map(\.rawValue).joined(separator: ", ")
        return Self(status: .methodNotAllowed, message: "Method not allowed", headers: ["Allow": allowed])
    }

    /// `url` is that of the one there is: clients that asked with `exist_ok` take it from here.
    static func exists(_ kind: RepoKind, url: String) -> Self {
        Self(
            status: .conflict, message: "You already created this \(kind.apiName) repo",
            members: ["url": .string(url)])
    }

    static var tooLarge: Self { Self(status: .contentTooLarge, message: "request entity too large") }

    static func tooMany(retryAfter seconds: Int64) -> Self {
        Self(
            status: .tooManyRequests, message: "We had to rate limit you. Retry after \(seconds) s.",
            headers: ["Retry-After": "\(seconds)"])
    }

    static func moved(to location: String) -> Self {
        Self(
            status: .temporaryRedirect, message: "Temporary Redirect. Redirecting to \(location)",
            headers: ["Location": location, "Content-Type": "text/plain; charset=utf-8", "Vary": "Accept"])
    }
}
