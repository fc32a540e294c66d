import HTTP

/// Keeps responses of the Hub out of the gateway's origin.
///
/// A file that a user has uploaded to the Hub would, when relayed, run in the same origin as this gateway, and could use its token like the
/// gateway's own home page. It cannot be predicted which files a browser runs: browsers read more types than any list of ours had
/// (`text/xsl`, `text/html x`, `;text/html`, `*/*(x)`), and the next browser may read others. So every relayed response is isolated,
/// whatever its status and type.
enum RelayedDocument {
    /// Gives a document an origin of its own, without scripts, forms and plugins, and forbids browsers to guess its type.
    /// Policies add up (https://www.w3.org/TR/CSP3, section 3.1), so the Hub's own stay in force, and none of them can undo ours.
    static func isolate(_ headers: inout Headers) {
        headers.append(own: "Content-Security-Policy", "sandbox")
        headers.remove("X-Content-Type-Options")
        headers.append(own: "X-Content-Type-Options", "nosniff")
        // A browser makes a document of each part, with a head of its own that was not checked here.
        if headers.mentions("x-mixed-replace", in: "Content-Type") {
            headers.set("Content-Type", "application/octet-stream")
        }
    }
}
