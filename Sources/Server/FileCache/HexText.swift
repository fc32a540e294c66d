extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    var hexText: String {
        var digits: [UInt8] = []
        for byte in self {
            for value in [byte >> 4, byte & 15] { digits.append(value < 10 ? 0x30 + value : 0x57 + value) }
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
