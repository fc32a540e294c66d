internal import Hub

/// What of a client's request goes along to where a sealed URL leads.
enum SealedRequest {
    private static let reading = CaselessWords([
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Encoding",
        "User-Agent",
    ])
    /// Stores sign some of them, and the Hub tells the client which to send.
    private static let uploading = CaselessWords([
        "Content-Type", "Content-MD5", "Content-Encoding", "Content-Disposition", "Cache-Control", "If-None-Match",
        "Accept", "User-Agent",
    ], prefixes: ["X-Amz-"])
    private static let completing = CaselessWords(["Content-Type", "Accept", "Accept-Encoding", "User-Agent"])

    /// No cookie, and no credential but one of Xet's to Xet's server.
    static func headers(of request: Request, for use: Seal.Use, isOwn: (Secret) -> Bool) -> Headers {
        let all = request.headers
        switch use {
        case .read: return all.only(reading)
        case .upload: return all.only(uploading)
        case .complete: return all.only(completing)
        case .base:
            var headers = EndToEndHeaders.upstream(all)
            if let token = xetToken(all, isOwn: isOwn) { headers.set("Authorization", "Bearer \(token.reveal())") }
            return headers
        }
    }

    /// The client's token, if it is none of the Hub's.
    private static func xetToken(_ headers: Headers, isOwn: (Secret) -> Bool) -> Secret? {
        let words = headers["Authorization"]?.split(separator: " ") ?? []
        guard words.count == 2, words[0].lowercased() == "bearer", !words[1].hasPrefix("hf_"),
            !words[1].hasPrefix("api_"), let token = try? Secret(Array(words[1].utf8)), !isOwn(token)
        else { return nil }
        return token
    }
}

extension Headers {
    fileprivate func only(_ names: CaselessWords) -> Headers {
        var kept = self
        kept.removeAll { name, _ in !names.contains(name.utf8.span) }
        return kept
    }
}
