/// A piece of HTML. What the source spells out is markup; whatever is interpolated is text and is escaped on the way
/// in, so that forgetting to is not possible. Attributes have to be in double quotes.
struct HTMLText: ExpressibleByStringInterpolation, Sendable {
    private(set) var markup: String

    init(stringLiteral value: String) {
        markup = value
    }

    init(stringInterpolation: StringInterpolation) {
        markup = stringInterpolation.markup
    }

    /// Takes only what the source spells out, such as a stylesheet.
    init(constant: StaticString) {
        markup = constant.description
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

extension Unicode.Scalar {
    /// Whether it would move the cursor, ring the bell or turn the direction of writing, in a terminal or a page.
    var isInvisibleCommand: Bool { properties.generalCategory == .control || properties.isBidiControl }
}
