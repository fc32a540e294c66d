/// A piece of HTML. A literal of the source is markup; every interpolated value is text and is escaped,
/// so that forgetting it is not possible. Attributes have to be in double quotes.
struct HTMLText: ExpressibleByStringInterpolation, Sendable {
    private(set) var markup: String

    init(stringLiteral value: String) {
        markup = value
    }

    init(stringInterpolation: StringInterpolation) {
        markup = stringInterpolation.markup
    }

    /// Takes literals of the source only, such as a stylesheet.
    init(constant: StaticString) {
        markup = constant.description
    }

    /// The file's content, unchanged.
    init(_ file: EmbeddedFile) {
        markup = file.text
    }

    /// Text, which is escaped.
    init(text: String) {
        markup = Self.escaped(text)
    }

    fileprivate init(ofTemplate markup: String) {
        self.markup = markup
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity)
        }

        mutating func appendLiteral(_ literal: String) {
            markup += literal
        }

        mutating func appendInterpolation(_ text: String) {
            markup += HTMLText.escaped(text)
        }

        mutating func appendInterpolation(_ piece: HTMLText) {
            markup += piece.markup
        }

        mutating func appendInterpolation(_ pieces: [HTMLText]) {
            for piece in pieces { markup += piece.markup }
        }
    }

    /// `text` for an element's content or a quoted attribute: THE place where HTML is escaped.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&#34;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default: result.unicodeScalars.append(scalar.isInvisibleCommand ? "\u{FFFD}" : scalar)
            }
        }
        return result
    }
}

/// Markup in a file of ours, with places such as `{{name}}` in it. The file has several parts: before a part's beginning is a line
/// `<!-- part: name -->`, and the first part has no name.
struct HTMLTemplate {
    private enum Piece {
        case markup(HTMLText)
        case place(String)
    }

    private var parts: [String: [Piece]] = [:]

    init(_ file: EmbeddedFile) {
        let beginning = "\n<!-- part: "
        for (number, text) in file.text.split(separator: beginning, omittingEmptySubsequences: false).enumerated() {
            let named = number == 0 ? nil : text.split(separator: " -->\n", maxSplits: 1)
            parts[named.map { String($0[0]) } ?? ""] = Self.pieces(named.map { $0[1] } ?? text)
        }
    }

    private static func pieces(_ text: Substring) -> [Piece] {
        text.split(separator: "{{", omittingEmptySubsequences: false).enumerated().flatMap { number, text -> [Piece] in
            guard number > 0 else { return [.markup(HTMLText(ofTemplate: String(text)))] }
            let halves = text.split(separator: "}}", maxSplits: 1, omittingEmptySubsequences: false)
            return [.place(String(halves[0])), .markup(HTMLText(ofTemplate: String(halves[1])))]
        }
    }

    /// A part, with these values in its places: text becomes text, and never markup. Each place needs a value.
    func fill(_ part: String = "", _ values: [String: HTMLText] = [:]) -> HTMLText {
        guard let pieces = parts[part] else { preconditionFailure("no part \(part) in a template") }
        let filled = pieces.map { piece -> HTMLText in
            switch piece {
            case .markup(let text): return text
            case .place(let name):
                guard let value = values[name] else { preconditionFailure("no value for \(name) in a template") }
                return value
            }
        }
        return "\(filled)"
    }
}

extension Unicode.Scalar {
    /// Whether it would move the cursor, ring the bell or turn the direction of writing, in a terminal or a page.
    var isInvisibleCommand: Bool { properties.generalCategory == .control || properties.isBidiControl }
}
