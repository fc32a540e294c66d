/// By what the content of a file is found: its SHA-256, as 64 lower-case hexadecimal digits.
struct BlobName: Hashable, Sendable {
    let hex: String

    /// Nil for anything else.
    init?(_ hex: some StringProtocol) {
        guard hex.utf8.count == 64, hex.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self.hex = String(hex)
    }

    /// The Hub names a file in a store by a strong tag. Nil for another one, such as the 40 digits of a file in git.
    init?(etag: String) {
        guard etag.utf8.count == 66, etag.hasPrefix("\""), etag.hasSuffix("\"") else { return nil }
        self.init(etag.dropFirst().dropLast())
    }

    /// The number of the directory that it is in: its first two digits.
    var part: Int { Int(hex.prefix(2), radix: 16) ?? 0 }

    /// Whether it is the name of what has this digest.
    func isOf(_ digest: [UInt8]) -> Bool {
        digest.flatMap { [Self.digit($0 >> 4), Self.digit($0 & 15)] }.elementsEqual(hex.utf8)
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
