import EventIO
import HTTP
import Hub
import Sandbox

extension HomePage {
    private static let template = HTMLTemplate(.homePage)
    private static let style = HTMLText(.homeStyle)
    private static let script = HTMLText(.homeScript)

    /// Allows what the page needs to show itself, and nothing from elsewhere: its style and its script by their hashes.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src '\(digest(style))'; script-src '\(digest(script))'; img-src data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The hash of an element's content, which begins with the line feed after its tag.
    private static func digest(_ content: HTMLText) -> String {
        "sha256-\(Base64.encode(MessageDigest.sha256(Array("\n\(content.markup)".utf8))))"
    }

    /// The page for browsers. It asks for nothing but itself; send `contentSecurityPolicy` with it.
    func html() -> String {
        Self.template.fill(
            "",
            [
                "authority": HTMLText(text: authority), "style": Self.style, "state": state,
                "purpose": HTMLText(text: purpose), "road": road, "usage": usage, "list": list,
                "version": HTMLText(text: version), "text": HTMLText(text: curl("{origin}")), "script": Self.script,
            ]
        ).markup
    }

    /// Links to the pages about the gateway's state, where this listener serves them.
    private var state: HTMLText {
        guard endpoints.contains(where: { $0.path == "/-/health" }) else { return "" }
        let base = HTMLText(text: basePath)
        return Self.template.fill(
            "state", ["base": base, "console": hasConsole ? Self.template.fill("console", ["base": base]) : ""])
    }

    /// The way of a request, and the state of the Hub at its end.
    private var road: HTMLText {
        let status = hubStatus
        return Self.template.fill(
            "road",
            [
                "mood": HTMLText(text: status.mood.rawValue), "authority": HTMLText(text: authority),
                "upstream": HTMLText(text: upstreamName), "headline": HTMLText(text: status.headline),
                "detail": HTMLText(text: status.detail), "access": HTMLText(text: access),
                "accessMeaning": HTMLText(text: accessMeaning), "sandbox": sandbox ? "on" : "off",
                "sandboxMeaning": HTMLText(text: sandboxMeaning),
            ])
    }

    private var upstreamName: String {
        upstream.hasPrefix("https://") ? String(upstream.dropFirst("https://".count)) : upstream
    }

    private var usage: HTMLText {
        Self.template.fill(
            "usage",
            [
                "older": caFile == nil ? "" : Self.template.fill("older"),
                "setup": box(setup.joined(separator: "\n"), about: "the settings"),
            ])
    }

    private var list: HTMLText {
        Self.template.fill("list", ["items": "\(endpoints.map(item))"])
    }

    private func item(_ endpoint: Endpoint) -> HTMLText {
        Self.template.fill(
            "item",
            [
                "method": HTMLText(text: endpoint.method), "path": HTMLText(text: endpoint.path),
                "summary": HTMLText(text: endpoint.summary),
                "example": command(for: endpoint).map { box($0, about: "\(endpoint.method) \(endpoint.path)") } ?? "",
            ])
    }

    /// Lines to copy. The script adds the button: without a script one click selects all of them.
    private func box(_ commands: String, about subject: String) -> HTMLText {
        Self.template.fill("box", ["subject": HTMLText(text: subject), "commands": HTMLText(text: commands)])
    }
}
