import HTTP
import Hub
import Sandbox

extension HomePage {
    /// The page for browsers. It asks for nothing but itself; send `contentSecurityPolicy` with it.
    func html() -> String {
        let page: HTMLText = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>hubgate at \(authority)</title>
            <link rel="icon" href="\(Self.icon)">
            <style>\(HTMLText(constant: HomeStyle.css))</style>
            </head>
            <body>
            <header>
            <h1>hubgate</h1>
            \(state)
            </header>
            <main>
            <p class="purpose">\(purpose)</p>
            \(road)
            \(usage)
            \(list)
            </main>
            <footer><p>hubgate \(version)</p><p>Plain text: <code>\(curl("{origin}"))</code></p></footer>
            <p class="unseen" role="status"></p>
            <script>\(HTMLText(constant: HomeScript.source))</script>
            </body>
            </html>

            """
        return page.markup
    }

    /// Links to how the gateway is, where this address shows it.
    private var state: HTMLText {
        guard endpoints.contains(where: { $0.path == "/-/health" }) else { return "" }
        return """
            <nav aria-label="State of the gateway"><a href="\(basePath)/-/health">Health</a> \
            <a href="\(basePath)/-/ready">Ready</a> <a href="\(basePath)/-/docs">API</a>\(console)</nav>
            """
    }

    private var console: HTMLText {
        hasConsole ? " <a href=\"\(basePath)/-/console\">Console</a>" : ""
    }

    private static let icon =
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        + "%3Cpath d='M4 1v14M12 1v14M0 8h16' stroke='%233d5bd9' stroke-width='2.5'/%3E%3C/svg%3E"

    /// The way of a request, and how its far end is.
    private var road: HTMLText {
        let status = hubStatus
        return """
            <section class="road \(status.mood.rawValue)" aria-label="The way to the Hub">
            <ol>
            <li><b>Your tools</b><span>hf, transformers, datasets, curl</span></li>
            <li class="gate"><b>\(authority)</b><span>this gateway</span></li>
            <li class="hub"><b>\(upstreamName)</b>\
            <span class="state"><strong>\(status.headline)</strong>\(status.detail)</span></li>
            </ol>
            <dl>
            <div><dt>Access</dt><dd><b>\(access)</b>: \(accessMeaning)</dd></div>
            <div><dt>Sandbox</dt><dd><b>\(sandbox ? "on" : "off")</b>: \(sandboxMeaning)</dd></div>
            </dl>
            </section>
            """
    }

    private var upstreamName: String {
        upstream.hasPrefix("https://") ? String(upstream.dropFirst("https://".count)) : upstream
    }

    private var usage: HTMLText {
        let older: HTMLText =
            caFile == nil ? "" : " For huggingface_hub before 1.0, set REQUESTS_CA_BUNDLE in place of SSL_CERT_FILE."
        return """
            <section class="part" aria-labelledby="use">
            <h2 id="use">Use it</h2>
            <div>
            <p>Set this in a shell: hf, huggingface_hub, transformers and datasets then work through here unchanged.\
            \(older)</p>
            \(box(setup.joined(separator: "\n"), about: "the settings"))
            </div>
            </section>
            """
    }

    private var list: HTMLText {
        """
        <section class="part" aria-labelledby="endpoints">
        <h2 id="endpoints">Endpoints</h2>
        <ul>
        \(endpoints.map(item))
        </ul>
        </section>
        """
    }

    private func item(_ endpoint: Endpoint) -> HTMLText {
        let example = command(for: endpoint).map { box($0, about: "\(endpoint.method) \(endpoint.path)") } ?? ""
        return """
            <li>
            <h3><b>\(endpoint.method)</b> \(endpoint.path)</h3>
            <p>\(endpoint.summary)</p>
            \(example)</li>

            """
    }

    /// Lines to copy. The script adds the button: without it one click selects all of them.
    private func box(_ commands: String, about subject: String) -> HTMLText {
        """
        <div class="box"><pre tabindex="0" role="group" aria-label="\(subject)"><code>\(commands)</code></pre></div>

        """
    }
}
