/// What a token of Xet allows: it is made for one repository, and is no token of the Hub.
struct SandboxXetGrant: Sendable, Equatable {
    enum Scope: String, Sendable {
        /// Write tokens may read too.
        case read, write
    }

    let scope: Scope
    /// Of the repository.
    let serial: String
    /// Seconds since 1970.
    let expires: Int64

    private static let prefix = "xet"

    /// The token, with `seal` made of what stands before it.
    func token(sealedBy seal: (String) -> String) -> String {
        let text = "\(Self.prefix)_\(scope.rawValue)_\(serial)_\(expires)"
        return "\(text)_\(seal(text))"
    }

    /// Nil for what is no such token, or has another seal.
    init?(_ token: Substring, sealedBy seal: (String) -> String) {
        let parts = token.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == Self.prefix, let scope = Scope(rawValue: parts[1]),
            let expires = Int64(parts[3])
        else { return nil }
        self.init(scope: scope, serial: parts[2], expires: expires)
        guard self.token(sealedBy: seal) == token else { return nil }
    }

    init(scope: Scope, serial: String, expires: Int64) {
        self.scope = scope
        self.serial = serial
        self.expires = expires
    }
}
