/// `cache_size`: a number of bytes, or a share of the file system.
enum CacheSize: Equatable, Sendable {
    case bytes(Int)
    /// In percent, 1 to 100.
    case share(Int)

    /// `total`: the size of the file system, in bytes.
    func bytes(of total: Int) -> Int {
        switch self {
        case .bytes(let bytes): bytes
        case .share(let percent): total / 100 * percent
        }
    }
}

extension ValueCodec where Value == CacheSize {
    /// Bytes within a range, or whole percents.
    static func bytesOrShare(_ range: ClosedRange<ByteCount>) -> ValueCodec {
        let bytes = ValueCodec<ByteCount>.bytes(range)
        return ValueCodec(
            name: "BYTES",
            accepted: bytes.accepted + ", or a share of its file system from 1% to 100%",
            read: { (text) throws(ValueError) in
                guard text.hasSuffix("%") else { return .bytes(try bytes.read(text).bytes) }
                guard let quantity = Quantity(text), quantity.unit == "%" else { throw .unknown }
                guard (1...100).contains(quantity.number) else { throw ValueError("is out of range") }
                return .share(quantity.number)
            },
            text: { size in
                switch size {
                case .bytes(let count): ByteCount.bytes(count).description
                case .share(let percent): "\(percent)%"
                }
            }
        )
    }
}
