internal import Hub

/// What of a client's request goes along to where a sealed URL leads.
enum SealedRequest {
    private static let reading = CaselessWords([
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Encoding",
        "User-Agent",
    ])
    /// Stores sign some of them, and the Hub tells the client which to send.
    private static let uploading = CaselessWords(
        [
            "Content-Type", "Content-MD5", "Content-Encoding", "Content-Disposition", "Cache-Control", "If-None-Match",
            "Accept", "User-Agent",
        ], prefixes: ["X-Amz-"])
    private static let completing = CaselessWords(["Content-Type", "Accept", "Accept-Encoding", "User-Agent"])

    /// No cookie, and no credential but one of Xet's to Xet's server.
    static func headers(of request: Request, for use: Seal.Use, isOwn: (Secret) -> Bool) -> Headers {
        var headers = request.headers
        switch use {
        case .read:
            headers.keepOnly(reading)
            // RFC 9110 section 14.2: there is no range of HEAD, also where the store has to be asked by GET.
            if request.method == .head { headers.remove("Range") }
        case .upload: headers.keepOnly(uploading)
        case .complete: headers.keepOnly(completing)
        case .base:
            headers = EndToEndHeaders.upstream(headers)
            if let token = xetToken(request.headers, isOwn: isOwn) {
                headers.set("Authorization", "Bearer \(token.reveal())")
            }
        }
        return headers
    }

    /// The client's token, if it is none of the Hub's.
    private static func xetToken(_ headers: Headers, isOwn: (Secret) -> Bool) -> Secret? {
        let words = headers["Authorization"]?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count == 2, words[0].lowercased() == "bearer", !words[1].hasPrefix("hf_"),
            !words[1].hasPrefix("api_"), let token = try? Secret(Array(words[1].utf8)), !isOwn(token)
        else { return nil }
        return token
    }
}
