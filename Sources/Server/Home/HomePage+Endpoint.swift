extension HomePage {
    /// One line of the page's list of endpoints.
    struct Endpoint: Sendable {
        /// `GET`, or what stands for several: `ANY`.
        let method: String
        /// The path, or its pattern: `/{owner}/{name}/resolve/{revision}/{file}`.
        let path: String
        /// One sentence, without its full stop.
        let summary: String
        /// What follows `curl` in an example, where `{origin}` stands for the gateway's address: `-I {origin}/x`. A long
        /// one reads better broken in two, with `\` before the line's end. Empty for no example.
        let curl: String
    }

    /// The example of `endpoint` as it can be pasted into a shell; nil if it has none.
    func command(for endpoint: Endpoint) -> String? {
        guard !endpoint.curl.isEmpty else { return nil }
        return curl(endpoint.curl)
    }

    /// `curl` with what it needs to trust this gateway. The origin is quoted: to zsh, `[::1]` is a pattern.
    func curl(_ arguments: String) -> String {
        let trust = caFile.map { "--cacert \(ShellWord.quoted($0)) " } ?? ""
        return "curl \(trust)\(arguments.replacing("{origin}", with: ShellWord.quoted(address)))"
    }
}
