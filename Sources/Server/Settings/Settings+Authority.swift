extension Settings {
    /// The authority that clients are to trust, where the certificate is of the pair that `make certs` makes; nil for others'.
    var exampleAuthority: String? {
        tlsCertificate == "certs/cert.pem" || tlsCertificate == SettingsReading.mountedCertificate ? "certs/ca.pem" : nil
    }
}
