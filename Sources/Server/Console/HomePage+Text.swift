import Hub
import Sandbox

extension HomePage {
    /// The page for clients such as curl: at most 25 lines of 100 columns, except that no command is cut.
    func text() -> String {
        let status = hubStatus
        var lines = [
            "hubgate \(version) at \(address)",
            "",
            purpose,
            "",
            "  Hub      \(upstream): \(status.headline)\(status.detail)",
            "  Access   \(access): \(accessMeaning)",
            "  Sandbox  \(sandbox ? "on" : "off"): \(sandboxMeaning)",
            "",
            "Use it as the Hub's endpoint:",
        ].map(Self.line)
        lines += setup.map { "  \($0)" }
        lines += ["", "Endpoints, each with an example if you open this page in a browser:"]
        lines += endpointLines.map(Self.line)
        if let example = endpoints.lazy.compactMap(command).first(where: { !$0.contains("\n") }) {
            lines += ["", "Try: \(example)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let columns = 100
    private static let endpointRows = 8

    private var endpointLines: [String] {
        let shown = endpoints.count > Self.endpointRows ? endpoints.prefix(Self.endpointRows - 1) : endpoints[...]
        let methodWidth = shown.map(\.method.count).max() ?? 0
        let pathWidth = min(shown.map(\.path.count).max() ?? 0, 45)
        let rows = shown.map { endpoint in
            "  \(endpoint.method.padded(to: methodWidth))  \(endpoint.path.padded(to: pathWidth))  \(endpoint.summary)"
        }
        return shown.count == endpoints.count ? rows : rows + ["  ... and \(endpoints.count - shown.count) more"]
    }

    /// One line of a terminal: without control characters, and cut where it would wrap.
    private static func line(_ text: String) -> String {
        var clean = ""
        clean.unicodeScalars.append(contentsOf: text.unicodeScalars.map { $0.isInvisibleCommand ? "?" : $0 })
        return clean.count > columns ? clean.prefix(columns - 3) + "..." : clean
    }
}

/// Text as one word of a POSIX shell's command line.
enum ShellWord {
    /// Unchanged if no byte of it is special to a shell, else in single quotes.
    static func quoted(_ text: String) -> String {
        if !text.isEmpty, text.utf8.allSatisfy(isPlain) { return text }
        return "'\(text.replacing("'", with: #"'\''"#))'"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "/._-+:,@%=".utf8.contains(byte)
        }
    }
}
