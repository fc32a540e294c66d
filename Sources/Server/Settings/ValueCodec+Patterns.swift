extension ValueCodec where Value == [ResourcePattern] {
    /// A bound, since each request that may change something is compared with all of them.
    private static var most: Int { 256 }

    static var resourcePatterns: ValueCodec {
        ValueCodec(
            name: "PATTERNS",
            accepted: "patterns of repositories with commas between them, such as acme/prod-*,dataset:acme/*",
            isList: true,
            read: { (text) throws(ValueError) in
                let parts = text.isEmpty ? [] : ListText.parts(text)
                guard parts.count <= most else { throw ValueError("has more than \(most) patterns") }
                var patterns: [ResourcePattern] = []
                for part in parts { patterns.append(try pattern(part)) }
                return patterns
            },
            text: { $0.map(\.description).joined(separator: ",") }
        )
    }

    private static func pattern(_ text: Substring) throws(ValueError) -> ResourcePattern {
        do throws(RuleError) {
            let pattern = try ResourcePattern(String(text))
            guard !pattern.isPublic else { throw RuleError("\"public\" is no pattern of names") }
            return pattern
        } catch {
            throw ValueError("has a pattern that cannot be read: \(error)")
        }
    }
}
