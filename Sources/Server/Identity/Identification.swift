import HTTP

/// How a client becomes a principal: by the setting `access`.
struct Identification: Sendable {
    let access: Access
    /// The gateway's own credential, if it has one.
    let own: Credential?
    /// Which of the tokens that it has had since its start that is.
    let tokenNumber: Int

    /// In open access the client's own credential is not even looked at.
    func principal(of request: Request) -> Principal {
        switch access {
        case .open: return gateway
        case .passthrough:
            let credential = request.headers["Authorization"].flatMap { Credential($0) }
            return Principal(authority: .client(credential), partition: .client(credential))
        }
    }

    /// The gateway itself.
    var gateway: Principal { Principal(authority: .gateway(own), partition: .gateway(token: tokenNumber)) }
}
