internal import Hub

/// THE table of answers whose JSON names the Hub where a client follows it. All others pass untouched: a file may hold such an address too.
enum RewrittenBodies {
    static func contains(_ request: Request) -> Bool {
        let path = request.target.path
        guard request.method != .get || path.contains("/discussions") else { return false }
        return path == "/api/repos/create" || path.hasSuffix("/duplicate") || path.contains("/commit/")
            || path.contains("/discussions") || path.hasSuffix(".git/info/lfs/objects/batch")
    }

    /// Whether an answer to such a request can be rewritten as it goes by.
    static func fits(_ head: Transfer.Head) -> Bool {
        let type = head.headers.mediaType ?? ""
        return (type == "application/json" || type.hasSuffix("+json")) && !head.headers.contains("Content-Encoding")
    }
}
