import CEvent

/// SHA-256 of bytes that come in parts (FIPS 180-4).
package final class IncrementalSHA256 {
    private let stream = DigestStream(CE_DIGEST_SHA256)

    package init() {}

    package func add(_ bytes: UnsafeBufferPointer<UInt8>) { unsafe stream.add(bytes) }

    /// The 32 bytes of the digest of all that was added; resets the stream.
    package func finish() -> [UInt8] { stream.finish(32) }
}

/// SHA-1 of bytes that come in parts: git names objects by it.
package final class IncrementalSHA1 {
    private let stream = DigestStream(CE_DIGEST_SHA1)

    package init() {}

    package func add(_ bytes: UnsafeBufferPointer<UInt8>) { unsafe stream.add(bytes) }

    /// The 20 bytes of the digest of all that was added; resets the stream.
    package func finish() -> [UInt8] { stream.finish(20) }
}

@safe private final class DigestStream {
    private let stream: OpaquePointer

    init(_ algorithm: ce_digest_algorithm) {
        guard let stream = unsafe ce_digest_stream_new(algorithm) else {
            preconditionFailure("OpenSSL has no such digest")
        }
        unsafe self.stream = stream
    }

    deinit {
        unsafe ce_digest_stream_free(stream)
    }

    func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe ce_digest_stream_add(stream, bytes.baseAddress, bytes.count)
    }

    func finish(_ size: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: size) { out, count in
            unsafe ce_digest_stream_end(stream, out.baseAddress)
            count = size
        }
    }
}
