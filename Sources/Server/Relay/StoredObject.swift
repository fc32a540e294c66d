/// The content of a file in a store, as the Hub names it: by its SHA-256 and its size.
struct StoredObject: Equatable, Sendable {
    let name: BlobName
    let layout: BlobLayout

    /// Nil for what is no such name, and for a size that the file cache does not take.
    init?(oid: String, size: Int) {
        guard let name = BlobName(oid), let layout = BlobLayout(size: size) else { return nil }
        (self.name, self.layout) = (name, layout)
    }
}

/// The object that the Hub has named for a URL, in its response to the client that got this URL signed. The file cache may serve it for as long as the
/// store itself would by that URL.
struct SignedObject: Equatable, Sendable {
    let object: StoredObject
    /// Seconds since 1970.
    let until: Int

    init(_ object: StoredObject, until: Int) {
        (self.object, self.until) = (object, until)
    }

    /// As it stands at the end of what a signed path says of itself.
    var text: String { "o\(object.name.hex)s\(object.layout.size)u\(until)" }

    /// What stands before it, and it; without one nil for it. Nil for what is none of ours.
    static func split(_ term: Substring) -> (rest: Substring, object: SignedObject?)? {
        guard let start = term.utf8.firstIndex(of: UInt8(ascii: "o")) else { return (term, nil) }
        let text = term.utf8[start...].dropFirst()
        guard let size = text.firstIndex(of: UInt8(ascii: "s")), let end = text.firstIndex(of: UInt8(ascii: "u")),
            size < end, let bytes = Int(Substring(text[size..<end].dropFirst())),
            let until = Int(Substring(text[end...].dropFirst())),
            let object = StoredObject(oid: String(Substring(text[..<size])), size: bytes)
        else { return nil }
        return (Substring(term.utf8[..<start]), SignedObject(object, until: until))
    }
}
