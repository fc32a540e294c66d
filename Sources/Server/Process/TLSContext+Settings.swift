import EventIO

extension TLSContext {
    /// Has clients asked for certificates, where the settings say so. The error begins with the setting's name.
    func askClients(_ settings: Settings) throws(CError) {
        guard let files = settings.clientFiles else { return }
        do throws(CError) {
            try ask(clients: files)
        } catch {
            throw CError("client_ca: \(error)")
        }
    }

    /// As the settings have it.
    static func make(_ settings: Settings) throws(CError) -> TLSContext {
        let tls = try TLSContext(certificate: settings.tlsCertificate, key: settings.tlsKey)
        try tls.askClients(settings)
        return tls
    }
}
