import EventIO
import HTTP

/// The page on which a person confirms a device.
struct LoginForm {
    enum Message: Equatable {
        case none, off, otherSite, tooMany, unknownCode, badKey, decided, notNow, denied
        case tooLittle(role: String)
        case bound
        case confirmed(address: String, time: String)

        var isDone: Bool {
            switch self {
            case .denied, .confirmed: true
            default: false
            }
        }

        var status: Status {
            switch self {
            case .none, .denied, .confirmed: .ok
            case .otherSite, .badKey, .tooLittle, .bound: .forbidden
            case .tooMany: .tooManyRequests
            case .notNow: .serviceUnavailable
            case .off, .unknownCode, .decided: .badRequest
            }
        }

        fileprivate var text: HTMLText {
            switch self {
            case .none: ""
            case .off: "This gateway gives no keys by login: login_role is not set."
            case .otherSite: "This form was sent by a page of another site, so nothing was done."
            case .tooMany: "There were too many wrong attempts. Try again in ten minutes."
            case .unknownCode: "No device waits with this code. Look at it again: it is good for ten minutes."
            case .badKey: "This gateway does not accept this key."
            case .decided: "This code was already confirmed or refused."
            case .notNow: "The gateway cannot do that at present. Try again in a moment."
            case .denied: "Refused: the device gets no key."
            case .tooLittle(let role):
                "Devices get the role \(role) here, and this key may do less, so it cannot confirm one. Ask the operator of this gateway."
            case .bound:
                "This key has limits, or a login has made it, so it cannot confirm a device: the new key would start with unused limits. Take a key without limits, or tell the operator of this gateway the code, who can say: hubgate login confirm CODE"
            case .confirmed(let address, let time):
                "Confirmed: the device that asked from \(address) at \(time) gets a key. If that was not you, have it revoked at once."
            }
        }
    }

    var code = ""
    let message: Message
    let basePath: String

    private static let style: StaticString = """
        :root { color-scheme: light dark; }
        body { max-width: 34rem; margin: 3rem auto; padding: 0 1.25rem; font: 1rem/1.55 ui-sans-serif, system-ui, sans-serif; }
        label { display: block; margin: 1.25rem 0 .25rem; font-weight: 600; }
        input { width: 100%; padding: .6rem; font: 1rem ui-monospace, monospace; box-sizing: border-box; }
        button { margin: 1.5rem 1rem 0 0; padding: .6rem 1.25rem; font: inherit; cursor: pointer; }
        .said { padding: .75rem 1rem; border: 1px solid; border-radius: 6px; font-weight: 600; }
        """

    /// It loads nothing, is sent nowhere else, and cannot be framed.
    private static let contentSecurityPolicy =
        "default-src 'none'; style-src 'sha256-\(Base64.encode(MessageDigest.sha256(Array(style.description.utf8))))'; base-uri 'none'; "
        + "form-action 'self'; frame-ancestors 'none'"

    func response(_ status: Status) -> Response {
        var response = Response(status, text: html.markup, type: "text/html")
        response.headers.append("Content-Security-Policy", Self.contentSecurityPolicy)
        response.headers.append("X-Content-Type-Options", "nosniff")
        response.headers.append("X-Frame-Options", "DENY")
        response.headers.append("Referrer-Policy", "no-referrer")
        response.headers.append("Cache-Control", "no-store")
        return response
    }

    private var said: HTMLText {
        message == .none ? "" : "<p class=\"said\" role=\"status\">\(message.text)</p>"
    }

    private var form: HTMLText {
        guard !message.isDone, message != .off else { return "" }
        return """
            <form method="post" action="\(basePath + ListenerRole.loginPath)" autocomplete="off">
            <label for="code">The code that your device shows</label>
            <input id="code" name="code" value="\(code)" maxlength="16" required autocapitalize="characters" spellcheck="false">
            <label for="key">A gateway key of yours</label>
            <input id="key" name="key" type="password" maxlength="100" required autocomplete="off">
            <button name="verdict" value="confirm">Confirm</button>
            <button name="verdict" value="deny">Refuse</button>
            </form>
            """
    }

    private var html: HTMLText {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Log a device in</title>
        <style>\(HTMLText(constant: Self.style))</style>
        </head>
        <body>
        <h1>Log a device in</h1>
        \(said)
        <p>Confirm only a login that you have begun yourself, such as with hf auth login, a moment ago. Someone who sends you a code wants a key \
        of yours.</p>
        \(form)
        </body>
        </html>

        """
    }
}
