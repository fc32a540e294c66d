import CEvent

/// The certificate that a client has shown in its handshake (RFC 8446 section 4.4.2), as the present authorities judge it.
package struct ClientCertificate: Sendable {
    /// What is wrong with it.
    package enum Fault: Sendable, Equatable {
        /// It, or an authority in its chain.
        case expired, notYetValid
        case revoked
        /// No authority of `client_ca` has issued it.
        case untrusted
        /// It is not for identifying a client (RFC 5280 section 4.2.1.12).
        case wrongPurpose
        case chainTooLong
        /// The revocation list of one of its issuers is missing or out of date: the operator has to mend it.
        case revocationListUnusable
        case weak
        /// Its names contain control characters, are too many or too long, or are no text.
        case malformed
        /// OpenSSL's words for it.
        case invalid(String)
    }

    /// A name of its holder: `subject` in RFC 4514's form, and the alternative names (RFC 5280 section 4.2.1.6) of these kinds. Without control
    /// characters.
    package struct Name: Sendable, Equatable {
        package let kind: String
        package let value: String

        package init(kind: String, value: String) {
            self.kind = kind
            self.value = value
        }
    }

    /// Nil: it is valid.
    package let fault: Fault?
    /// Empty unless it is valid.
    package let names: [Name]
    /// The end of its validity, in seconds since 1970.
    package let expires: Int64

    package init(fault: Fault?, names: [Name], expires: Int64) {
        self.fault = fault
        self.names = names
        self.expires = expires
    }
}

extension ClientCertificate {
    /// Nil: the client has shown none, or was not asked.
    fileprivate init?(_ certificate: ce_certificate) {
        guard unsafe certificate.state != CE_CERTIFICATE_NONE else { return nil }
        let lines = unsafe certificate.names.map { unsafe String(cString: $0) } ?? ""
        // By bytes: an equals sign with a combining accent is another Character.
        let names = lines.utf8.split(separator: UInt8(ascii: "\n")).compactMap { (line: Substring.UTF8View) -> Name? in
            guard let mark = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            return Name(
                kind: String(Substring(line[..<mark])), value: String(Substring(line[line.index(after: mark)...])))
        }
        self.init(fault: unsafe Fault(certificate), names: names, expires: unsafe certificate.not_after)
    }
}

extension ClientCertificate.Fault {
    fileprivate init?(_ certificate: ce_certificate) {
        switch unsafe certificate.state {
        case CE_CERTIFICATE_GOOD: return nil
        case CE_CERTIFICATE_EXPIRED: self = .expired
        case CE_CERTIFICATE_NOT_YET_VALID: self = .notYetValid
        case CE_CERTIFICATE_REVOKED: self = .revoked
        case CE_CERTIFICATE_UNTRUSTED: self = .untrusted
        case CE_CERTIFICATE_WRONG_PURPOSE: self = .wrongPurpose
        case CE_CERTIFICATE_CHAIN_TOO_LONG: self = .chainTooLong
        case CE_CERTIFICATE_LIST_UNUSABLE: self = .revocationListUnusable
        case CE_CERTIFICATE_WEAK: self = .weak
        case CE_CERTIFICATE_MALFORMED: self = .malformed
        default: self = unsafe .invalid(String(cString: certificate.reason))
        }
    }
}

extension Exchange {
    /// The client's certificate, judged again at each call: the caller keeps the verdict (`attachment`). Nil: none.
    package var clientCertificate: ClientCertificate? {
        guard let pointer = unsafe pointer else { return nil }
        var certificate = unsafe ce_certificate()
        unsafe ce_exchange_certificate(pointer, &certificate)
        defer { unsafe ce_certificate_clear(&certificate) }
        return unsafe ClientCertificate(certificate)
    }

    /// An object that is kept as long as the connection, over its requests.
    package var attachment: AnyObject? {
        get {
            guard let pointer = unsafe pointer, let kept = unsafe ce_exchange_attachment(pointer) else { return nil }
            return unsafe Unmanaged<AnyObject>.fromOpaque(kept).takeUnretainedValue()
        }
        set {
            guard let pointer = unsafe pointer else { return }
            let kept = unsafe newValue.map { unsafe Unmanaged.passRetained($0).toOpaque() }
            unsafe ce_exchange_attach(pointer, kept) { @Sendable kept in
                if let kept = unsafe kept { unsafe Unmanaged<AnyObject>.fromOpaque(kept).release() }
            }
        }
    }

    /// The connection ends with this response. To be called before it begins.
    package func closeAfterResponse() {
        guard let pointer = unsafe pointer else { return }
        unsafe ce_exchange_close_after(pointer)
    }
}
