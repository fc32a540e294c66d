/// What `GET /` answers: what this gateway is, how the Hub behind it is, and how to use both. A value in, text out.
struct HomePage: Sendable {
    let version: String
    /// `https://host:port` as this client reached the gateway. Made of its `Host` header, so it is shown only after
    /// `shownOrigin` has judged it.
    let origin: String
    /// The certificate authority to show clients, where its certificate is not one they already trust.
    let caFile: String?
    let endpoints: [Endpoint]
    let hub: HubState
    /// The Hub's address: `https://huggingface.co`.
    let upstream: String
    let sandbox: Bool
    /// `open` or `passthrough`, as in the settings.
    let access: String
    /// What follows `origin` in the gateway's address; empty or with a slash at its beginning.
    var basePath = ""
    /// Whether clients have to be told to leave Xet alone.
    var hidesXet = false

    /// What the page needs to show itself, and nothing from anywhere else. A test says when a hash has drifted.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src '\(HomeStyle.digest)'; script-src '\(HomeScript.digest)'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    var isPassthrough: Bool { access == "passthrough" }

    var purpose: String {
        isPassthrough
            ? "The Hugging Face Hub behind one HTTPS address, where each client brings its own token."
            : "The Hugging Face Hub behind one HTTPS address that keeps the token, so no client has to."
    }

    var accessMeaning: String {
        isPassthrough ? "each client acts with its own token" : "whoever reaches this gateway acts with its token"
    }

    var sandboxMeaning: String {
        sandbox
            ? "the Hub behind this gateway is a small one in its memory" : "the Hub behind this gateway is the real one"
    }

    /// The lines that point `hf`, `huggingface_hub` and what is built on them here.
    var setup: [String] {
        var lines = ["export HF_ENDPOINT=\(ShellWord.quoted(address))"]
        if let caFile {
            // Those clients do not run where this file's relative path was meant.
            let prefix = caFile.hasPrefix("/") ? "" : #""$PWD"/"#
            lines.append("export SSL_CERT_FILE=\(prefix)\(ShellWord.quoted(caFile))")
        }
        if hidesXet {
            // Else an upload asks for Xet; with it off the same files go by plain HTTP.
            lines.append("export HF_HUB_DISABLE_XET=1")
        }
        if isPassthrough {
            lines.append("export HF_TOKEN=hf_...")
        }
        return lines
    }
}
