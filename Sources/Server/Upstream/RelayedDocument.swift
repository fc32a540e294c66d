internal import Hub

/// Keeps scripts of documents that the Hub serves away from the gateway's origin.
///
/// A page that somebody uploaded to the Hub would, relayed, run in the same origin as this gateway, and could use its token like the gateway's own
/// home page. On huggingface.co that is the Hub's concern; here it is ours.
enum RelayedDocument {
    /// What a browser may run scripts of; without a type it guesses.
    private static let types = CaselessWords([
        "text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml",
    ])

    /// Puts a document that a browser would run into an origin of its own. Policies add up, so the Hub's own stays in force.
    static func isolate(_ headers: inout Headers) {
        let isDocument = headers.isMediaType(among: types)
        guard isDocument ?? true else { return }
        headers.append("Content-Security-Policy", "sandbox")
        if isDocument == nil {
            headers.set("X-Content-Type-Options", "nosniff")
        }
    }
}
