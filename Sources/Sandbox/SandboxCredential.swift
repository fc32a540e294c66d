package import HTTP

/// A token that the sandbox knows. The values are public: they open nothing but a sandbox.
package struct SandboxToken: Sendable, Equatable {
    package enum Role: String, Sendable {
        case read, write
    }

    /// Its name in journals and in `/api/whoami-v2`.
    package let name: String
    package let value: String
    package let role: Role
    package let account: SandboxAccount

    package static let all = [
        SandboxToken(name: "sandbox", value: "hf_sandbox", role: .write, account: .sandbox),
        SandboxToken(name: "sandbox-read", value: "hf_sandbox_read", role: .read, account: .sandbox),
        SandboxToken(name: "other", value: "hf_other", role: .write, account: .other),
    ]

    package func mayRead(in namespace: String?) -> Bool { account.mayRead(in: namespace) }

    package func mayWrite(in namespace: String?) -> Bool { role == .write && account.mayWrite(in: namespace) }
}

/// The credential of a request.
package enum SandboxCredential: Sendable, Equatable {
    case none
    /// Not one of ours, not a Bearer token, or two at once.
    case unknown
    case known(SandboxToken)
    /// A token of Xet, which opens nothing on the Hub.
    case xet(SandboxXetGrant)

    /// `xet` returns what a token of Xet allows; nil if it is none.
    package init(_ headers: Headers, xet: (Substring) -> SandboxXetGrant? = { _ in nil }) {
        let fields = headers.values(of: "Authorization")
        guard let field = fields.first else {
            self = .none
            return
        }
        let words = field.split(separator: " ")
        guard fields.count == 1, words.count == 2, words[0].lowercased() == "bearer" else {
            self = .unknown
            return
        }
        if let token = SandboxToken.all.first(where: { $0.value == words[1] }) {
            self = .known(token)
        } else {
            self = xet(words[1]).map(Self.xet) ?? .unknown
        }
    }

    package var token: SandboxToken? {
        guard case .known(let token) = self else { return nil }
        return token
    }

    package var grant: SandboxXetGrant? {
        guard case .xet(let grant) = self else { return nil }
        return grant
    }

    /// Never the value: `none`, `unknown`, `xet`, or the name of a token of the Hub.
    package var name: String {
        switch self {
        case .none: "none"
        case .unknown: "unknown"
        case .known(let token): token.name
        case .xet: "xet"
        }
    }
}
