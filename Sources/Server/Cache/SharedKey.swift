import EventIO
import HTTP

/// The key by which the workers of a gateway find a response that one of them has fetched: a digest of a `CacheKey`, with the credential in the
/// place of its partition, since each worker numbers its tokens for itself. A credential cannot be found from it.
struct SharedKey: Equatable, Sendable {
    private static let secret = SharedSecret.derive("shared responses")

    let words: SIMD4<UInt64>

    init(words: SIMD4<UInt64>) { self.words = words }

    init(_ key: CacheKey, by principal: Principal, _ partition: CachePartition, _ shape: ResponseShape) {
        var writer = ByteWriter()
        writer.put(Self.secret)
        writer.put(partition, credential: principal.upstreamCredential)
        writer.put(shape.texts)
        writer.put(key.bytes)
        let digest = SecretDigest.sha256(writer.bytes.span)
        words = SIMD4(digest.0, digest.1, digest.2, digest.3)
    }
}

extension ByteWriter {
    fileprivate mutating func put(_ partition: CachePartition, credential: Credential?) {
        switch partition {
        case .gateway: put(UInt8(0))
        case .named(let name, _):
            put(UInt8(1))
            put(name)
        case .client: put(UInt8(2))
        case .key(let id, _):
            put(UInt8(3))
            put(id)
        }
        put(credential) { $0.put($1.reveal()) }
    }
}

extension Principal {
    /// The credential with which the Hub is asked; nil without any.
    fileprivate var upstreamCredential: Credential? {
        switch authority {
        case .gateway(let credential), .named(_, let credential), .client(let credential): credential
        }
    }
}
