import EventIO
import Hub

/// The response to `GET /`: what this gateway is, the state of the Hub behind it, and how to use both. A value in, text out.
struct HomePage: Sendable {
    let version: String
    /// `https://host:port` as this client reached the gateway. Made of its `Host` header, so it is shown only after
    /// `shownOrigin` has judged it.
    let origin: String
    /// The certificate authority for clients, where they do not trust the gateway's certificate already.
    let caFile: String?
    let endpoints: [Endpoint]
    let hub: HubState
    /// The Hub's address: `https://huggingface.co`.
    let upstream: String
    let sandbox: Bool
    /// `open`, `passthrough` or `keys`, as in the settings.
    let access: String
    /// What follows `origin` in the gateway's address; empty or with a slash at its beginning.
    var basePath = ""
    /// Whether clients have to be told to leave Xet alone.
    var hidesXet = false
    /// Whether the gateway can be run over HTTP.
    var hasConsole = false

    var isPassthrough: Bool { access == Access.passthrough.rawValue }
    var asksForKeys: Bool { access == Access.keys.rawValue }

    var purpose: String {
        isPassthrough
            ? "The Hugging Face Hub behind one HTTPS address, where each client brings its own token."
            : "The Hugging Face Hub behind one HTTPS address that keeps the token, so no client has to."
    }

    var accessMeaning: String {
        if asksForKeys { return "each client has a key of this gateway's" }
        return isPassthrough
            ? "each client acts with its own token" : "whoever reaches this gateway acts with its token"
    }

    var sandboxMeaning: String {
        sandbox
            ? "the Hub behind this gateway is a small one in its memory" : "the Hub behind this gateway is the real one"
    }

    /// The lines that point `hf`, `huggingface_hub` and programs built on them here.
    var setup: [String] {
        var lines = ["export HF_ENDPOINT=\(ShellWord.quoted(address))"]
        if let caFile {
            // Clients do not run in the directory that this file's relative path is meant for.
            let prefix = caFile.hasPrefix("/") ? "" : #""$PWD"/"#
            lines.append("export SSL_CERT_FILE=\(prefix)\(ShellWord.quoted(caFile))")
        }
        if hidesXet {
            // Otherwise an upload asks for Xet; without it the same files go by plain HTTP.
            lines.append("export HF_HUB_DISABLE_XET=1")
        }
        if isPassthrough {
            lines.append("export HF_TOKEN=hf_...")
        } else if asksForKeys {
            lines.append("export HF_TOKEN=hg_...")
        }
        return lines
    }
}

extension HomePage {
    /// One line of the page's list of endpoints.
    struct Endpoint: Sendable {
        /// `GET`, or `ANY` for several.
        let method: String
        /// The path, or its pattern: `/{owner}/{name}/resolve/{revision}/{file}`.
        let path: String
        /// One sentence, without its full stop.
        let summary: String
        /// The arguments of `curl` in an example, with `{origin}` for the gateway's address: `-I {origin}/x`. A long
        /// one reads better in two lines, with `\` before the line's end. Empty for no example.
        let curl: String
    }

    /// The example of `endpoint` as it can be pasted into a shell; nil if it has none.
    func command(for endpoint: Endpoint) -> String? {
        guard !endpoint.curl.isEmpty else { return nil }
        return curl(endpoint.curl)
    }

    /// `curl` with the options that it needs to trust this gateway. The origin is quoted: to zsh, `[::1]` is a pattern.
    func curl(_ arguments: String) -> String {
        let trust = caFile.map { "--cacert \(ShellWord.quoted($0)) " } ?? ""
        return "curl \(trust)\(arguments.replacing("{origin}", with: ShellWord.quoted(address)))"
    }
}

extension HomePage {
    /// The origin if it is plainly one, else a placeholder. A client chooses its `Host`, and the page
    /// puts it into lines that people paste into a shell: escaping HTML is not enough for that.
    var shownOrigin: String { Self.isPlainOrigin(origin) ? origin : "https://HOST:PORT" }

    /// The gateway's address for clients: their `HF_ENDPOINT`.
    var address: String { shownOrigin + basePath }

    /// `shownOrigin` without its scheme.
    var authority: String { String(shownOrigin.dropFirst(Self.scheme(of: shownOrigin)?.count ?? 0)) }

    /// A load balancer may be reached without TLS (`public_url`).
    private static func scheme(of text: String) -> String? { ["https://", "http://"].first(where: text.hasPrefix) }

    private static func isPlainOrigin(_ text: String) -> Bool {
        guard let scheme = scheme(of: text) else { return false }
        let bytes = text.utf8.dropFirst(scheme.utf8.count)
        let host: Substring.UTF8View
        let isHostByte: (UInt8) -> Bool
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            host = bytes[bytes.index(after: bytes.startIndex)..<end]
            isHostByte = { isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        } else {
            host = bytes[..<(bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex)]
            isHostByte = { isLetterOrDigit($0) || ".-_".utf8.contains($0) }
        }
        // 253: the longest name that DNS has.
        guard (1...253).contains(host.count), host.allSatisfy(isHostByte) else { return false }
        var port = bytes[host.endIndex...]
        if port.first == UInt8(ascii: "]") { port = port.dropFirst() }
        if port.isEmpty { return true }
        return port.first == UInt8(ascii: ":") && (2...6).contains(port.count) && port.dropFirst().allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

extension HomePage {
    /// What the gateway last learned of the Hub.
    enum HubState: Sendable {
        /// The Hub answered the gateway's token as that account.
        case reachable(name: String)
        /// The gateway has no token of its own.
        case noToken
        case unreachable(reason: String)
    }

    /// How the page shows `hub`. Each mood has its colour, and `headline` says the same without colour.
    struct HubStatus {
        enum Mood: String { case good, warn, bad, idle }

        let mood: Mood
        let headline: String
        /// What follows the headline, from its punctuation on.
        let detail: String
    }

    var hubStatus: HubStatus {
        switch hub {
        case .reachable(let name):
            HubStatus(mood: .good, headline: "Reachable", detail: name.isEmpty ? "" : " as \(name)")
        case .noToken where isPassthrough:
            // Here that is intended.
            HubStatus(mood: .idle, headline: "No token here", detail: ": each client brings its own")
        case .noToken:
            HubStatus(mood: .warn, headline: "No token", detail: ": calls to the Hub answer 503; set HF_ACCESS_TOKEN")
        case .unreachable(let reason):
            HubStatus(mood: .bad, headline: "Unreachable", detail: ": \(reason)")
        }
    }
}
