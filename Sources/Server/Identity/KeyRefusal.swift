/// Why a credential that a client shows is no good here.
enum KeyRefusal: Error, Equatable {
    case missing
    /// Neither Bearer nor Basic, or no key of this gateway's: a Hub token, most often.
    case foreign
    /// It has a key's form, and its checksum is wrong.
    case mistyped
    /// No such key, or not its secret: which of the two is not told.
    case unknown
    /// Seconds since 1970.
    case expired(at: Int64)
    case revoked
    /// There is none, and the certificate that is shown instead is no good.
    case certificate(CertificateRefusal)
}
