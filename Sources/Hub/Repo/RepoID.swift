import HTTP

/// The name of a repository: `namespace/name`, or `name` alone where the Hub knows its owner.
/// Always valid by the Hub's rules (huggingface_hub's `validate_repo_id`), so safe in a path and in a header.
package struct RepoID: Hashable, Sendable {
    /// The user or organisation; nil means the token's own, or an old canonical model such as `gpt2`.
    package let namespace: String?
    package let name: String

    /// The most bytes of a name; the same holds for a namespace, which the Hub limits further.
    package static let longest = 96

    /// Reads `namespace/name` or `name`. `field` is the JSON field the text came in, for the error's sentence, which
    /// names the rule that is broken. Throws `badRequest`.
    package init(_ text: String, field: String = "name") throws(Failure) {
        let bytes = text.utf8
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else {
            try self.init(namespace: nil, name: text, field: field)
            return
        }
        let name = bytes[slash...].dropFirst()
        guard !name.contains(UInt8(ascii: "/")) else {
            throw .badField(
                field, "must have at most one slash, as in \"owner/name\"; what it holds goes into \"type\"")
        }
        try self.init(
            namespace: String(Substring(bytes[..<slash])), name: String(Substring(name)), field: field)
    }

    /// See `init(_:field:)`; here each part must be free of slashes.
    package init(namespace: String?, name: String, field: String = "name") throws(Failure) {
        if let namespace { try Self.check(namespace, part: "an owner", field: field) }
        try Self.check(name, part: "a name", field: field)
        guard !name.hasSuffix(".git") else { throw .badField(field, "must not end with \".git\"; leave that out") }
        self.namespace = namespace
        self.name = name
    }

    /// `namespace/name` or `name`.
    package var text: String { namespace.map { "\($0)/\(name)" } ?? name }

    /// The text as a part of a path. Names have only unreserved characters, so nothing is encoded.
    package var path: String { text }

    private static func check(_ text: String, part: String, field: String) throws(Failure) {
        let bytes = text.utf8.span
        guard !bytes.isEmpty else {
            throw .badField(field, "must have \(part) that is not empty")
        }
        var (before, isDoubled) = (UInt8(0), false)
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte.isASCIIAlphanumeric || byte == UInt8(ascii: "_") || isEdge(byte) else {
                throw .badField(field, "must have \(part) of letters a-z and A-Z, digits, \"-\", \"_\" and \".\" only")
            }
            isDoubled = isDoubled || byte == before && isEdge(byte)
            before = byte
        }
        guard bytes.count <= longest else {
            throw .badField(field, "must have \(part) of at most \(longest) characters, has one of \(bytes.count)")
        }
        guard !isEdge(bytes[0]), !isEdge(before) else {
            throw .badField(field, "must have \(part) that neither starts nor ends with \"-\" or \".\"")
        }
        guard !isDoubled else { throw .badField(field, "must have \(part) without \"--\" and \"..\"") }
    }

    /// A character that may not be at an end, nor come twice in a row.
    private static func isEdge(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") }
}

extension RepoID: CustomStringConvertible {
    package var description: String { text }
}
