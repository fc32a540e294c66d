import HTTP

/// The names of deleted repositories that can still be restored. They cannot be guessed, and are easily told from others.
package enum TrashName {
    /// Names that begin like this, in any case, are the gateway's own.
    package static let prefix = "hubgate-trash-"
    /// Without letters that look like digits.
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    /// 130 random bits.
    private static let length = 26

    /// A name that no repository has. It contains nothing of the name before, so its length always fits.
    package static func make() -> String {
        var source = SystemRandomNumberGenerator()
        let chance = (0..<length).map { _ in digits[Int.random(in: 0..<digits.count, using: &source)] }
        return prefix + String(decoding: chance, as: UTF8.self)
    }

    /// `name` is without its owner.
    package static func isReserved(_ name: String) -> Bool { isReserved(name.utf8.span) }

    package static func isReserved(_ resource: HubResource) -> Bool {
        resource.withBytes { _, name in isReserved(name) }
    }

    private static func isReserved(_ name: Span<UInt8>) -> Bool { begins(name, at: 0) }

    private static func begins(_ text: Span<UInt8>, at start: Int) -> Bool {
        let wanted = prefix.utf8.span
        guard text.count - start >= wanted.count else { return false }
        for index in 0..<wanted.count where text[start + index].asciiLowercased != wanted[index] { return false }
        return true
    }

    /// Whether a text contains such a name, plain or percent-encoded.
    package static func stands(in text: String) -> Bool {
        let decoded = PercentEncoding.decode(Array(text.utf8)[...])
        return contains(text.utf8.span) || contains(decoded.utf8.span)
    }

    private static func contains(_ text: Span<UInt8>) -> Bool {
        var start = 0
        while start < text.count {
            if text[start].asciiLowercased == UInt8(ascii: "h"), begins(text, at: start) { return true }
            start += 1
        }
        return false
    }

    /// Whether a redirect leads to such a repository: to its page, its files or its API. `hub` is the Hub's origin with its path. A file's name does not
    /// count.
    package static func isLedTo(by location: String, at hub: String) -> Bool {
        var path = location[...]
        if path.hasPrefix(hub) { path = path.dropFirst(hub.count) }
        guard path.utf8.first == UInt8(ascii: "/"), contains(location.utf8.span) else { return false }
        // A target that cannot be read is not followed either.
        guard let target = try? Target(String(path)) else { return true }
        let operation = HubOperation.find(.get, target)
        guard case .row = operation.reading, operation.resource.form == .repo else { return stands(in: location) }
        return isReserved(operation.resource)
    }
}
