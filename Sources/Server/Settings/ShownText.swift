import HTTP

extension String {
    /// This text in a form for an error line: on one line, not too long, and without anything that could be a credential.
    var shown: String {
        let text = CredentialMask.text(self).unicodeScalars
        let printable = text.prefix(80).map { scalar in
            switch scalar.properties.generalCategory {
            // Separators and invisible characters could forge a second line or hide a part of this one.
            case .control, .format, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
            default: String(scalar)
            }
        }
        return printable.joined() + (text.count > 80 ? "…" : "")
    }
}

/// Hides what looks like a token, and the user and password of a URL; names of files and variables stay, even if they begin as tokens do
enum CredentialMask {
    /// The Hub's tokens, its organisations' old ones, and gateway keys.
    private static let prefixes = ["hf_", "api_org_", "hg_"]

    /// How many letters and digits in a row make a token of a text with such a prefix. The Hub's have 34, a gateway key 49, and an OAuth
    /// token hundreds; the words of a path are shorter, and have `_`, `-` or `.` between them.
    private static let shortestPiece = 16

    /// From the beginning of a token on nothing is shown: a space or a line end in it would leave its second half.
    static func text(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let token = bytes.indices.first { isToken(bytes[$0...]) } ?? bytes.endIndex
        let shown = withoutUserInfo(bytes[..<token])
        return String(decoding: shown, as: UTF8.self) + (token < bytes.endIndex ? Secret.mask : "")
    }

    private static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let prefix = prefixes.first(where: { bytes.starts(with: $0.utf8) }) else { return false }
        var piece = 0
        for byte in bytes.dropFirst(prefix.utf8.count) {
            if byte.isASCIIAlphanumeric {
                piece += 1
                if piece == shortestPiece { return true }
            } else if "_-.".utf8.contains(byte) {
                piece = 0
            } else {
                return false
            }
        }
        return false
    }

    /// RFC 3986 section 3.2.1: from after `://`, or from the start where a colon is before the `@` and the scheme is missing, to the last
    /// `@`, since a password may contain one. An `@` alone is no sign of a password: paths and revisions contain it.
    private static func withoutUserInfo(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return Array(bytes) }
        let before = bytes[..<at]
        guard before.contains(UInt8(ascii: ":")) else { return Array(bytes) }
        let scheme = before.indices.first { before[$0...].starts(with: "://".utf8) }
        let start = scheme.map { $0 + 3 } ?? bytes.startIndex
        return Array(bytes[..<start]) + Array(Secret.mask.utf8) + Array(bytes[at...])
    }
}
