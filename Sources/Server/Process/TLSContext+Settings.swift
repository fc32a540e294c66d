import EventIO

extension TLSContext {
    /// Asks clients for certificates, where the settings say so. The error begins with the setting's name.
    func askClients(_ settings: Settings) throws(CError) {
        guard let files = settings.clientFiles else { return }
        do throws(CError) {
            try ask(clients: files)
        } catch {
            throw CError("client_ca: \(error)")
        }
    }

    /// By the settings.
    static func make(_ settings: Settings) throws(CError) -> TLSContext {
        let tls = try TLSContext(certificate: settings.tlsCertificate, key: settings.tlsKey)
        try tls.askClients(settings)
        return tls
    }
}
