import CEvent

/// A server certificate with its key, and the TLS settings of every connection under it.
///
/// Safe to share: its pointer is set in `init`, and OpenSSL guards a context's own state.
@safe package final class TLSContext: @unchecked Sendable {
    package let pointer: OpaquePointer

    /// The files of the authorities for clients' certificates, in PEM.
    package struct ClientFiles: Sendable, Equatable {
        package let authorities: String
        /// Nil: nothing is revoked.
        package let revocationLists: String?

        package init(authorities: String, revocationLists: String?) {
            self.authorities = authorities
            self.revocationLists = revocationLists
        }
    }

    /// Throws when a file is missing, unreadable or expired, when the key is not the certificate's, and when no client could make a handshake with them.
    package init(certificate: String, key: String) throws(CError) {
        var error = ce_error()
        guard let pointer = unsafe ce_tls_new(certificate, key, &error) else { throw CError(error) }
        unsafe self.pointer = pointer
    }

    /// From here on each client is asked for a certificate, and may connect without one. Throws where a file is missing or wrong. To be called
    /// once, before the context is used.
    package func ask(clients files: ClientFiles) throws(CError) {
        var error = ce_error()
        guard unsafe ce_tls_trust_clients(pointer, files.authorities, files.revocationLists ?? "", &error) else {
            throw CError(error)
        }
    }

    /// A certificate for `localhost` that exists only in this process.
    package init(selfSigned: Void) throws(CError) {
        var error = ce_error()
        guard let pointer = unsafe ce_tls_new_self_signed(&error) else { throw CError(error) }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe ce_tls_free(pointer)
    }

    /// The end of the certificate's validity, in seconds since 1970.
    package var expires: Int64 {
        unsafe ce_tls_expires(pointer)
    }

    /// When the first of the authorities for clients ends, and when the first of their revocation lists is out of date, in seconds since 1970;
    /// `Int64.max`: never.
    package var clientAuthoritiesExpire: Int64 { unsafe ce_tls_client_ca_expires(pointer) }
    package var revocationListsExpire: Int64 { unsafe ce_tls_client_crl_expires(pointer) }

    /// What may keep some clients from connecting, a sentence each: an intermediate certificate that is missing, expired or in the wrong place.
    package var warnings: [String] {
        unsafe String(cString: ce_tls_warnings(pointer)).split(separator: "\n").map(String.init)
    }

    /// The certificate as PEM, for clients that are to trust exactly it.
    package var certificatePEM: String {
        unsafe String(cString: ce_tls_pem(pointer))
    }
}
