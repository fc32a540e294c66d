import EventIO
import HTTP
import Hub

/// GET /-/openapi.json, and GET /-/docs: the same to read, without a script.
struct APIDocuments: Handler {
    let access: AdminAccess

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        .response(context.target.path.hasSuffix(".json") ? Self.document : Self.page)
    }

    private static let document = Response(
        .ok,
        headers: [
            "Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
        ],
        body: Array(OpenAPIDocument.text.utf8))

    private static let page: Response = {
        var response = Response(.ok, text: APIPage.html.markup, type: "text/html")
        response.headers.append("Content-Security-Policy", APIPage.contentSecurityPolicy)
        response.headers.append("X-Content-Type-Options", "nosniff")
        response.headers.append("X-Frame-Options", "DENY")
        response.headers.append("Referrer-Policy", "no-referrer")
        response.headers.append("Cache-Control", "no-cache")
        return response
    }()
}

/// The page of the endpoints.
enum APIPage {
    private static let style: StaticString = """
        :root { color-scheme: light dark; --line: #c9d0dc; --soft: #545d70; --shade: #eef1f6; }
        @media (prefers-color-scheme: dark) { :root { --line: #3a4254; --soft: #a9b2c5; --shade: #222838; } }
        body { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; font: 1rem/1.55 ui-sans-serif, system-ui, sans-serif; }
        h2 { margin: 2.5rem 0 0.5rem; } h3 { margin: 0; font: 600 1rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
        section.one { border-top: 1px solid var(--line); padding: 1rem 0; } section.one p { margin: 0.25rem 0 0.5rem; }
        .method { display: inline-block; min-width: 4.5rem; }
        pre { overflow-x: auto; background: var(--shade); padding: 0.6rem 0.8rem; border-radius: 6px; margin: 0.5rem 0; font-size: 0.88rem; }
        dl { display: grid; grid-template-columns: minmax(5rem, auto) 1fr; gap: 0.1rem 1rem; margin: 0.5rem 0; } dt { font-family: ui-monospace, monospace; } dd { margin: 0; }
        .soft, dd { color: var(--soft); }
        summary { cursor: pointer; }
        """

    /// It asks for nothing but itself, runs no script, and stands in no other page.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src 'sha256-\(Base64.encode(MessageDigest.sha256(Array(style.description.utf8))))'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static let html: HTMLText = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>hubgate: endpoints</title>
        <style>\(HTMLText(constant: style))</style>
        </head>
        <body>
        <main>
        <h1>hubgate \(Version.number): endpoints</h1>
        <p>These are the gateway’s own; every other path is the Hub’s, and is relayed. For programs: <a href="openapi.json">openapi.json</a> \
        (OpenAPI 3.1). <a href="../">The home page</a>.</p>
        <h2>The gateway</h2>
        \(Routes.all.map(part))
        <h2>The admin API</h2>
        <p>In JSON, for keys of the role admin as <code>Authorization: Bearer</code>; with <code>access = open</code> on loopback for this machine. \
        What is wrong is said in JSON with <code>error</code>, <code>code</code> and <code>request_id</code>.</p>
        \(AdminRoutes.all.map(part))
        <h2>Schemas</h2>
        \(AdminSchemas.all.sorted { $0.key < $1.key }.map(schema))
        </main>
        </body>
        </html>

        """

    private static func part(_ route: Route) -> HTMLText {
        let example: HTMLText = route.example.map { "<pre tabindex=\"0\"><code>\($0)</code></pre>" } ?? ""
        return """
            <section class="one"><h3><span class="method">\(route.method.rawValue)</span> \(route.path)</h3>
            <p>\(route.summary).</p>\(example)</section>

            """
    }

    private static func part(_ route: AdminRoute) -> HTMLText {
        let parameters = route.query.map { parameter -> HTMLText in
            "<dt>\(parameter.name)</dt><dd>\(parameter.meaning)</dd>"
        }
        let list: HTMLText = parameters.isEmpty ? "" : "<dl>\(parameters)</dl>"
        let example: HTMLText = route.example.map { "<pre tabindex=\"0\"><code>\($0.indented())</code></pre>" } ?? ""
        return """
            <section class="one"><h3><span class="method">\(route.method.rawValue)</span> \(AdminRoutes.prefix + route.path)</h3>
            <p>\(route.summary) <span class="soft">Answers \(String(route.status)) with \(route.result).</span></p>\(list)\(example)</section>

            """
    }

    private static func schema(_ name: String, _ schema: JSON) -> HTMLText {
        """
        <section class="one"><details><summary>\(name)</summary><pre tabindex="0"><code>\(schema.indented())</code></pre></details></section>

        """
    }
}
