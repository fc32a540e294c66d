import EventIO

/// Why a client's certificate is refused.
enum CertificateRefusal: Error, Equatable {
    case fault(ClientCertificate.Fault)
    /// It is valid, and no rule covers its names.
    case noRule

    /// For `X-Error-Code`.
    var code: String {
        switch self {
        case .noRule: "CertificateUnknown"
        case .fault(let fault):
            switch fault {
            case .expired: "CertificateExpired"
            case .notYetValid: "CertificateNotYetValid"
            case .revoked: "CertificateRevoked"
            case .untrusted: "CertificateUntrusted"
            case .wrongPurpose: "CertificateForOtherUse"
            case .chainTooLong: "CertificateChainTooLong"
            case .revocationListUnusable: "RevocationListUnusable"
            case .weak: "CertificateWeak"
            case .malformed: "CertificateMalformed"
            case .invalid: "CertificateInvalid"
            }
        }
    }

    var detail: String {
        switch self {
        case .noRule:
            "This gateway has no rule for the names in your certificate. Its operator adds one to client_certificates."
        case .fault(let fault): "\(fault.sentence) Or show a gateway key: set HF_TOKEN to one."
        }
    }
}

extension ClientCertificate.Fault {
    fileprivate var sentence: String {
        switch self {
        case .expired: "Your certificate, or one of its issuers', has expired: renew it."
        case .notYetValid: "Your certificate is not valid yet: look at both clocks."
        case .revoked: "Your certificate, or one of its issuers', was revoked: ask for another."
        case .untrusted:
            "No authority that this gateway trusts has issued your certificate, or one between is missing: send the whole chain, or connect again."
        case .wrongPurpose:
            "Your certificate is not for clients: its extended key usage has to have clientAuth, or be absent."
        case .chainTooLong: "Your certificate has too many others in its chain: at most four."
        case .revocationListUnusable:
            "This gateway has no revocation list for an issuer of your certificate that is up to date. Its operator renews client_crl."
        case .weak: "Your certificate, or one of its issuers', has a key or a signature that is too weak."
        case .malformed:
            "A name in your certificate is too long, has control characters or is no text, or there are more than 32."
        case .invalid(let reason): "Your certificate is not good: \(reason)."
        }
    }
}
