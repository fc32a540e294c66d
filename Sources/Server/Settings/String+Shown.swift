extension String {
    /// This text as an error line may show it: on one line, not too long, and not if it could hold a credential.
    var shown: String {
        if contains("hf_") || contains("@") { return Secret.mask }
        let printable = unicodeScalars.prefix(80).map { scalar in
            switch scalar.properties.generalCategory {
            // Separators and the invisible could forge a second line or hide a part of this one.
            case .control, .format, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
            default: String(scalar)
            }
        }
        return printable.joined() + (unicodeScalars.count > 80 ? "…" : "")
    }
}
