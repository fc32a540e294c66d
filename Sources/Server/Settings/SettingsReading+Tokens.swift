import HTTP

/// The Hub tokens that settings give, and what is taken for one by mistake: the variables of a client in the gateway's shell.
extension SettingsReading {
    mutating func checkToken() {
        guard let path = settings.tokenFile, let content = fileContent(of: "token", at: path) else {
            if let token = settings.token, isMistaken(token) { refuse("token", tokenRemedy) }
            return
        }
        do throws(Secret.Flaw) {
            let token = try Secret(file: content)
            settings.token = token
            choose("token", chosen["token_file"])
            if isMistaken(token) { refuse("token_file", "what is in \(path.shown) is \(Self.keyNotToken)") }
        } catch {
            refuse("token_file", "the token in \(path.shown) \(error)")
        }
    }

    /// Whether it is a gateway key where that is of no use. The sandbox needs no token, and another gateway, which only the settings' own
    /// addresses can name, takes keys.
    func isMistaken(_ token: Secret) -> Bool {
        guard !settings.sandbox, token.begins(with: "hg_") else { return false }
        let isChosen = chosen["upstream"] != nil && !isOfClients("upstream")
        return !isChosen || settings.upstream.origin == UpstreamAddress.hub.origin
    }

    static let keyNotToken = "a gateway key (hg_…), not a Hub token; put the Hub's there"

    private var tokenRemedy: String {
        let said = "this is a gateway key (hg_…), not a Hub token; "
        switch chosen["token"]?.provenance {
        case .environment(let variable) where variable != "HUBGATE_TOKEN":
            return said + "`unset \(variable)` in this shell, or give the Hub's in "
                + (variable == "HF_TOKEN" ? "HF_ACCESS_TOKEN" : "HUBGATE_TOKEN")
        default: return said + "give the Hub's"
        }
    }

    /// Whether the value comes from the environment's `HF_ENDPOINT`, which a shell has for the gateway's clients.
    func isOfClients(_ name: String) -> Bool {
        chosen[name]?.provenance == .environment(variable: Self.endpointVariable)
    }

    static let endpointVariable = "HF_ENDPOINT"
}

extension Settings {
    /// A warning at the start, where calls go to this machine because of a client's variable alone; else nil.
    var endpointWarning: String? {
        let variable = SettingsReading.endpointVariable
        guard origins["upstream"] == Provenance.environment(variable: variable).description, upstream.isLoopback,
            !sandbox
        else { return nil }
        return
            "\(variable) is meant for clients, and says that the Hub is \(upstream), on this machine: `unset \(variable)`, or give the Hub's address in HUBGATE_UPSTREAM."
    }
}
