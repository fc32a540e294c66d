internal import Hub

/// Keeps scripts of documents that the Hub serves away from the gateway's origin.
///
/// A page that somebody uploaded to the Hub would, relayed, run in the same origin as this gateway, and could use its token like the gateway's own
/// home page. On huggingface.co that is the Hub's concern; here it is ours.
enum RelayedDocument {
    /// What a browser may run scripts of, besides all that ends with `+xml`; without a type, and with the last three, it guesses
    /// (https://mimesniff.spec.whatwg.org, section 7).
    private static let types = CaselessWords([
        "text/html", "text/xml", "application/xml", "unknown/unknown", "application/unknown", "*/*",
    ])

    /// Puts a document that a browser would run into an origin of its own. Policies add up, so the Hub's own stays in force.
    static func isolate(_ headers: inout Headers) {
        let isDocument = headers.isMediaType(among: types, suffix: "+xml")
        guard isDocument ?? true || isUnclear(headers) else { return }
        headers.append("Content-Security-Policy", "sandbox")
        if isDocument == nil {
            headers.set("X-Content-Type-Options", "nosniff")
        }
    }

    /// Of several types browsers take the last, and for what is none they guess.
    private static func isUnclear(_ headers: Headers) -> Bool {
        headers.withFirst("Content-Type") { type in
            type.indices.contains { type[$0] == UInt8(ascii: ",") }
                || !type.indices.contains { type[$0] == UInt8(ascii: "/") }
        } ?? false
    }
}
