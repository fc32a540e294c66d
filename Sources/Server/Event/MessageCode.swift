internal import CEvent

/// HMAC with SHA-256 (RFC 2104): shows that who made a text had the key.
enum MessageCode {
    /// 32 bytes.
    static func make(of text: String, with key: Secret) -> [UInt8] {
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

    /// Takes as long for a wrong first byte as for a wrong last one.
    static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return unsafe one.withUnsafeBufferPointer { one in
            unsafe other.withUnsafeBufferPointer { other in
                unsafe ce_same_bytes(one.baseAddress, other.baseAddress, one.count)
            }
        }
    }
}
