/// The content of a file in a store, as the Hub names it: its SHA-256 and its size.
struct StoredObject: Equatable, Sendable {
    let name: BlobName
    let layout: BlobLayout

    /// Nil for a text that is no SHA-256, and for a size that the file cache does not take.
    init?(oid: String, size: Int) {
        guard let name = BlobName(oid), let layout = BlobLayout(size: size) else { return nil }
        (self.name, self.layout) = (name, layout)
    }
}

/// The object that the Hub has named for a URL, in its response to the client for which the URL was signed. The file cache may serve it for as long as
/// the store itself would serve that URL.
struct SignedObject: Equatable, Sendable {
    let object: StoredObject
    /// Seconds since 1970.
    let until: Int

    init(_ object: StoredObject, until: Int) {
        (self.object, self.until) = (object, until)
    }

    /// In the form for the end of a signed path's first part.
    var text: String { "o\(object.name.hex)s\(object.layout.size)u\(until)" }

    /// The text before it, and the object; nil for the object where there is none. Nil for a text that this gateway did not write.
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
