internal import Hub

/// THE table of answers whose JSON names the Hub where a client follows it. All others pass untouched: a file may hold such an address too.
enum RewrittenBodies {
    static func contains(_ request: Request) -> Bool {
        let target = request.target
        let isAboutDiscussions = target.pathContains("/discussions")
        guard request.method != .get || isAboutDiscussions else { return false }
        return isAboutDiscussions || target.path == "/api/repos/create" || target.pathEnds(with: "/duplicate")
            || target.pathContains("/commit/") || target.pathEnds(with: ".git/info/lfs/objects/batch")
    }

    /// Whether an answer to such a request can be rewritten as it goes by.
    static func fits(_ head: Transfer.Head) -> Bool {
        let type = head.headers.mediaType ?? ""
        return (type == "application/json" || type.hasSuffix("+json")) && !head.headers.contains("Content-Encoding")
    }
}
