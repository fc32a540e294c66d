import CEvent

/// A public key with which signatures of JSON Web Tokens are verified (RFC 7515), by OpenSSL. For one algorithm.
///
/// Safe to share: nothing changes it after `init`.
@safe package final class PublicKey: @unchecked Sendable {
    /// RFC 7518 section 3.1 and RFC 8037, by their names there.
    package enum Algorithm: String, Sendable, CaseIterable {
        /// RSA with SHA-256.
        case rs256 = "RS256"
        /// ECDSA over P-256 with SHA-256.
        case es256 = "ES256"
        /// Ed25519.
        case edDSA = "EdDSA"

        fileprivate var forC: ce_signature_algorithm {
            switch self {
            case .rs256: CE_SIGNATURE_RS256
            case .es256: CE_SIGNATURE_ES256
            case .edDSA: CE_SIGNATURE_EDDSA
            }
        }
    }

    package static let rsaBits = CE_RSA_LEAST_BITS...CE_RSA_MOST_BITS

    package let algorithm: Algorithm
    private let pointer: OpaquePointer

    /// From big-endian numbers: n and e of an RSA key, x and y of a point of P-256, or x alone of Ed25519. Nil for a key that is too weak or
    /// too long, not on its curve, or malformed.
    package init?(_ algorithm: Algorithm, _ first: [UInt8], _ second: [UInt8] = []) {
        let made = unsafe first.withUnsafeBufferPointer { first in
            unsafe second.withUnsafeBufferPointer { second in
                unsafe ce_public_key_new(
                    algorithm.forC, first.baseAddress, first.count, second.baseAddress, second.count)
            }
        }
        guard let made = unsafe made else { return nil }
        self.algorithm = algorithm
        unsafe pointer = made
    }

    deinit {
        unsafe ce_public_key_free(pointer)
    }

    /// Whether `signature`, in RFC 7518's form, is this key's signature of `bytes`.
    package func verifies(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        unsafe signature.withUnsafeBufferPointer { signature in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe ce_public_key_verifies(
                    pointer, bytes.baseAddress, bytes.count, signature.baseAddress, signature.count)
            }
        }
    }
}
