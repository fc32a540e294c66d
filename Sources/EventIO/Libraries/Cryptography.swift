import CEvent
package import HTTP

/// Digests by OpenSSL (FIPS 180-4).
package enum MessageDigest {
    /// 20 bytes. For names in git, not for security.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] { digest(CE_DIGEST_SHA1, bytes) }

    /// 32 bytes.
    package static func sha256(_ bytes: [UInt8]) -> [UInt8] { digest(CE_DIGEST_SHA256, bytes) }

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

/// SHA-256 without an array for its result, for code that runs at each request.
package enum SecretDigest {
    /// The 32 bytes, in the order of memory.
    package static func sha256(_ bytes: Span<UInt8>) -> (UInt64, UInt64, UInt64, UInt64) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { words in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                let isMade = unsafe ce_sha256(
                    bytes.baseAddress, bytes.count, words.baseAddress?.assumingMemoryBound(to: UInt8.self))
                precondition(isMade, "OpenSSL has no SHA-256")
            }
        }
        return words
    }
}

/// HMAC with SHA-256 (RFC 2104): proves that a text was made with the key.
package enum HMACSHA256 {
    /// 32 bytes.
    package static func make(of text: String, with key: Secret) -> [UInt8] {
        key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe Array(text.utf8).withUnsafeBufferPointer { text in
                    unsafe [UInt8](unsafeUninitializedCapacity: 32) { out, count in
                        let isMade = unsafe ce_hmac_sha256(
                            key.baseAddress, key.count, text.baseAddress, text.count, out.baseAddress)
                        precondition(isMade, "OpenSSL has no HMAC with SHA-256")
                        count = 32
                    }
                }
            }
        }
    }

    /// Takes the same time wherever the first difference is.
    package static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return unsafe one.withUnsafeBufferPointer { one in
            unsafe other.withUnsafeBufferPointer { other in
                unsafe ce_same_bytes(one.baseAddress, other.baseAddress, one.count)
            }
        }
    }
}

/// Random bytes that all workers of a gateway share, from which they derive keys that must be the same in each.
package enum SharedSecret {
    /// To be called before workers are forked.
    package static func make() {
        ce_shared_secret_make()
    }

    /// 64 bytes, the same in all workers and others at each start. `purpose` is a name that no other key has.
    package static func derive(_ purpose: String) -> [UInt8] {
        let length = Int(CE_DERIVED_BYTES)
        return unsafe [UInt8](unsafeUninitializedCapacity: length) { key, count in
            unsafe ce_shared_secret_derive(purpose, nil, 0, key.baseAddress)
            count = length
        }
    }
}
