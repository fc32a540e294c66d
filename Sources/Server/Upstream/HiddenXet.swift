internal import Hub

/// What `xet = hide` changes in requests to the Hub.
enum HiddenXet {
    /// With this a client asks where in Xet a file is, instead of for the file.
    private static let fileInfo = "application/vnd.xet-fileinfo+json"

    /// Throws `notFound` for a request to be let into Xet: without that the client would go there, where nobody lets it in.
    static func prepare(_ request: inout Request) throws(Failure) {
        let path = request.target.path
        guard !path.contains("/xet-read-token/"), !path.contains("/xet-write-token/") else { throw .xetHidden }
        guard let accept = request.headers["Accept"], accept.lowercased().contains(fileInfo) else { return }
        let kept = accept.split(separator: ",").filter { !$0.lowercased().contains(fileInfo) }
        request.headers.set("Accept", kept.isEmpty ? "*/*" : kept.joined(separator: ","))
    }
}
