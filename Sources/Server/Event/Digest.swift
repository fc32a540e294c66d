internal import CEvent

/// The digests that git and LFS name things by, as values: code without I/O can be given them.
struct Digest: Sendable {
    /// 20 bytes.
    let sha1: @Sendable ([UInt8]) -> [UInt8]
    /// 32 bytes.
    let sha256: @Sendable ([UInt8]) -> [UInt8]

    static let openSSL = Digest(
        sha1: { digest(CE_DIGEST_SHA1, $0) }, sha256: { digest(CE_DIGEST_SHA256, $0) })

    private static func digest(_ algorithm: ce_digest_algorithm, _ bytes: [UInt8]) -> [UInt8] {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(CE_DIGEST_LONGEST)) { out in
            let length = unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe ce_digest(algorithm, bytes.baseAddress, bytes.count, out.baseAddress)
            }
            precondition(length > 0, "OpenSSL has neither SHA-1 nor SHA-256")
            return unsafe Array(out.prefix(length))
        }
    }
}
