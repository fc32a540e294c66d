internal import Hub

/// Where the sandbox's Hub is, and how to trust it: what workers need of a sandbox that lives in another process.
struct SandboxSite: Sendable {
    /// Origins.
    let hub: String
    let cdn: String
    let cas: String
    /// The certificate that is its own authority, as PEM.
    let authority: String

    /// The gateway's token is the one that the sandbox knows it by.
    var origin: Server.Origin {
        Server.Origin(
            base: hub, trust: .pem(authority), token: try? Secret(Array("hf_sandbox".utf8)), inference: hub,
            contentOrigins: [cdn, cas])
    }
}

extension SandboxSite {
    /// As it goes through a pipe.
    var bytes: [UInt8] { Array("\(hub)\n\(cdn)\n\(cas)\n\(authority)".utf8) }

    init?(bytes: [UInt8]) {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 3).map(String.init)
        guard parts.count == 4 else { return nil }
        self.init(hub: parts[0], cdn: parts[1], cas: parts[2], authority: parts[3])
    }
}
