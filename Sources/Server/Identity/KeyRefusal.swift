/// Why a client's credential is refused.
enum KeyRefusal: Error, Equatable {
    case missing
    /// Neither Bearer nor Basic, or no key of this gateway's: most often a Hub token.
    case foreign
    /// It has a key's form, and its checksum is wrong.
    case mistyped
    /// No such key, or not its secret: the client is not told which.
    case unknown
    /// Seconds since 1970.
    case expired(at: Int64)
    case revoked
    /// There is no key, and the certificate that is shown instead is refused.
    case certificate(CertificateRefusal)
}
