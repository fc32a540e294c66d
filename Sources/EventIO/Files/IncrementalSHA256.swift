import CEvent

/// SHA-256 of what comes in parts (FIPS 180-4).
@safe package final class IncrementalSHA256 {
    private let stream: OpaquePointer

    package init() {
        guard let stream = unsafe ce_sha256_stream_new() else { preconditionFailure("OpenSSL has no SHA-256") }
        unsafe self.stream = stream
    }

    deinit {
        unsafe ce_sha256_stream_free(stream)
    }

    package func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe ce_sha256_stream_add(stream, bytes.baseAddress, bytes.count)
    }

    /// The 32 bytes of all that was added; it begins anew.
    package func finish() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { out, count in
            unsafe ce_sha256_stream_end(stream, out.baseAddress)
            count = 32
        }
    }
}
