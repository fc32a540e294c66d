import EventIO

/// The changes of a SIGHUP: decided here, carried out by `Service`.
struct Reload {
    let settings: Settings
    let tls: TLSContext
    /// The names of the settings that change now, and of those that wait for a restart.
    let changed: [String]
    let needRestart: [String]

    /// Why nothing changes, in one line for the log.
    struct Refusal: Error, CustomStringConvertible {
        let reasons: [String]

        var description: String { "Not reloaded, all stays as it was: \(reasons.joined(separator: "; "))" }
    }

    /// `reading`: the files as they are now; certificate and key are read here.
    static func decide(_ old: Settings, _ reading: Result<Command, SettingsError>) -> Result<Reload, Refusal> {
        switch reading {
        case .success(.serve(let new)):
            if let path = old.goneFile(new) {
                let reason =
                    "\(path.shown) was read before, and is not there any more; put it back, or restart to go on without it"
                return .failure(Refusal(reasons: [reason]))
            }
            let (settings, needRestart) = old.reloaded(from: new)
            let files: [(String, String?)] = [
                ("tls_cert: the certificate", settings.tlsCertificate), ("tls_key: the private key", settings.tlsKey),
                ("client_ca: the file", settings.clientFiles?.authorities),
                ("client_crl: the file", settings.clientFiles?.revocationLists),
            ]
            for (name, path) in files {
                guard let path, let reason = FileAccess.denial(path) else { continue }
                return .failure(Refusal(reasons: ["\(name) \(path.shown) cannot be read: \(reason)"]))
            }
            let tls: TLSContext
            do throws(CError) {
                tls = try TLSContext(certificate: settings.tlsCertificate, key: settings.tlsKey)
            } catch {
                return .failure(Refusal(reasons: ["tls_cert: \(error)"]))
            }
            do throws(CError) {
                try tls.askClients(settings)
            } catch {
                return .failure(Refusal(reasons: [error.description]))
            }
            return .success(
                Reload(
                    settings: settings, tls: tls, changed: old.differences(from: settings), needRestart: needRestart))
        case .failure(let error):
            return .failure(Refusal(reasons: error.problems.map(\.description)))
        case .success:
            // The present command line is the one that it serves by.
            return .failure(Refusal(reasons: ["the command line asks for something else"]))
        }
    }

    var summary: String {
        let names = changed.isEmpty ? "no setting changed" : "changed: \(changed.joined(separator: ", "))"
        return "Reloaded; certificate and key were read again; \(names)."
    }

    var restartWarning: String? {
        needRestart.isEmpty ? nil : "These settings changed and need a restart: \(needRestart.joined(separator: ", "))."
    }
}
