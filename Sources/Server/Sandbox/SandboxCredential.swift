import Hub

/// What a request shows to say who sends it.
enum SandboxCredential: Sendable, Equatable {
    case none
    /// Not one of ours, not a Bearer token, or two at once.
    case unknown
    case known(SandboxToken)

    init(_ headers: Headers) {
        let fields = headers.values(of: "Authorization")
        guard let field = fields.first else {
            self = .none
            return
        }
        let words = field.split(separator: " ")
        guard fields.count == 1, words.count == 2, words[0].lowercased() == "bearer",
            let token = SandboxToken.all.first(where: { $0.value == words[1] })
        else {
            self = .unknown
            return
        }
        self = .known(token)
    }

    var token: SandboxToken? {
        guard case .known(let token) = self else { return nil }
        return token
    }

    /// Never the value: `none`, `unknown`, or the token's name.
    var name: String {
        switch self {
        case .none: "none"
        case .unknown: "unknown"
        case .known(let token): token.name
        }
    }
}
