import HTTP

/// Keeps what the Hub serves away from the gateway's origin.
///
/// A file that somebody uploaded to the Hub would, relayed, run in the same origin as this gateway, and could use its token like the
/// gateway's own home page. Which files a browser runs is not for us to guess: it reads more types than any list of ours had
/// (`text/xsl`, `text/html x`, `;text/html`, `*/*(x)`), and what another browser reads nobody knows. So every relayed response is isolated,
/// whatever its status and type.
enum RelayedDocument {
    /// Gives a document an origin of its own, without scripts, forms and plugins, and has browsers take the type that was said for what
    /// it is. Policies add up (https://www.w3.org/TR/CSP3, section 3.1), so the Hub's own stay in force, and none of them can undo ours.
    static func isolate(_ headers: inout Headers) {
        headers.append(own: "Content-Security-Policy", "sandbox")
        headers.remove("X-Content-Type-Options")
        headers.append(own: "X-Content-Type-Options", "nosniff")
        // A browser makes a document of each part, with a head of its own that nobody has looked at.
        if headers.mentions("x-mixed-replace", in: "Content-Type") {
            headers.set("Content-Type", "application/octet-stream")
        }
    }
}
