/// A token that the sandbox knows. The values are public: they open nothing but a sandbox.
struct SandboxToken: Sendable, Equatable {
    enum Role: String, Sendable {
        case read, write
    }

    /// What journals and `/api/whoami-v2` call it.
    let name: String
    let value: String
    let role: Role
    let account: SandboxAccount

    static let all = [
        SandboxToken(name: "sandbox", value: "hf_sandbox", role: .write, account: .sandbox),
        SandboxToken(name: "sandbox-read", value: "hf_sandbox_read", role: .read, account: .sandbox),
        SandboxToken(name: "other", value: "hf_other", role: .write, account: .other),
    ]

    func mayRead(in namespace: String?) -> Bool { account.mayRead(in: namespace) }

    func mayWrite(in namespace: String?) -> Bool { role == .write && account.mayWrite(in: namespace) }
}
