import HTTP

extension SettingsReading {
    /// Notes what is wrong with the roles and the files of keys that `logins` names.
    mutating func checkLogins() {
        let book = RoleBook(settings.roles)
        if let role = settings.loginRole, role != Settings.approversRole {
            checkRole(role, of: "it", setting: "login_role", book)
        }
        for rule in settings.logins.rules {
            checkRole(rule.role, of: "the login \(rule.name)", setting: "logins", book)
            guard case .file(let path, let document) = rule.keySource, !document.isEmpty else { continue }
            do throws(JSONWebKeySet.Fault) {
                _ = try JSONWebKeySet(document)
            } catch {
                refuse("logins", "\(path.shown) is no set of public keys (JWKS): \(error.reason)")
            }
        }
    }

    /// Notes contradictions between `client_ca` and `client_certificates`.
    mutating func checkClients() {
        let book = RoleBook(settings.roles)
        for rule in settings.clientRules.rules {
            checkRole(rule.role, of: "the rule \(rule.name)", setting: "client_certificates", book)
            if let rate = rule.rate, RequestRate(rate) == nil {
                refuse(
                    "client_certificates", "the rule \(rule.name) has the rate \"\(rate.shown)\"; write one as 600/m")
            }
        }
        if settings.clientAuthorities == nil {
            if settings.clientRevocationLists != nil { refuse("client_crl", "is given without client_ca") }
            if !settings.clientRules.rules.isEmpty { refuse("client_certificates", "is given without client_ca") }
        } else if settings.clientRules.rules.isEmpty {
            refuse("client_ca", "is given without client_certificates, so no certificate would count")
        }
    }

    private mutating func checkRole(_ role: String, of what: String, setting: String, _ book: RoleBook) {
        guard book.rules(of: role) == nil else { return }
        refuse(
            setting,
            "\(what) has the role \"\(role.shown)\", which is not there\(Suggestion.text(for: role, among: book.names)); roles: "
                + book.names.joined(separator: ", "))
    }
}
