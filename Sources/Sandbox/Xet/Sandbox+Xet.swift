package import HTTP
import Hub

/// The Hub's part of Xet: its addresses, and tokens for it (huggingface.co/docs/xet/auth).
extension Sandbox {
    /// GET /api/{kind}/{id}/xet-read-token/{revision}
    package static func xetReadToken(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let (repo, _) = try hub.commit(of: call)
        return hub.xetToken(.read, for: repo)
    }

    /// GET /api/{kind}/{id}/xet-write-token/{revision}[?create_pr=1]
    package static func xetWriteToken(_ hub: inout Sandbox, _ call: SandboxCall) throws(SandboxRefusal) -> Response {
        let repo = try hub.committable(by: call)
        guard repo.history.commit(at: call.revision) != nil else { throw .revisionNotFound(call.revision) }
        return hub.xetToken(.write, for: repo)
    }

    /// What `token` allows; nil if it is not ours, or has expired.
    package func xetGrant(_ token: Substring) -> SandboxXetGrant? {
        SandboxXetGrant(token, signedBy: sign).flatMap { $0.expires >= now() ? $0 : nil }
    }

    /// The same in fields, which Python reads, and in the body, which Xet's own client reads.
    private func xetToken(_ scope: SandboxXetGrant.Scope, for repo: SandboxRepo) -> Response {
        let expires = now() + Self.signatureLife
        let token = SandboxXetGrant(scope: scope, serial: repo.serial, expires: expires).token(signedBy: sign)
        var response = Response(
            .ok, hub: ["casUrl": .string(cas), "accessToken": .string(token), "exp": .integer(expires)])
        response.headers.set("X-Xet-Cas-Url", cas)
        response.headers.set("X-Xet-Access-Token", token)
        response.headers.set("X-Xet-Token-Expiration", String(expires))
        return response
    }

    /// For the response of `resolve`: how to get `file` by Xet.
    package func setXetFields(
        of file: SandboxFile, in repo: SandboxRepo, at commit: SandboxCommit, _ fields: inout Headers
    ) {
        guard let hash = file.xetHash else { return }
        let tokens = "\(origin)/api/\(repo.kind.apiPath)/\(repo.id.path)/xet-read-token/\(commit.id)"
        fields.set("X-Xet-Hash", hash)
        fields.set(
            "Link",
            "<\(tokens)>; rel=\"xet-auth\", <\(cas)/v1/reconstructions/\(hash)>; rel=\"xet-reconstruction-info\"")
    }
}

/// What a token of Xet allows: it is made for one repository, and is no token of the Hub.
package struct SandboxXetGrant: Sendable, Equatable {
    package enum Scope: String, Sendable {
        /// Write tokens may read too.
        case read, write
    }

    package let scope: Scope
    /// Of the repository.
    package let serial: String
    /// Seconds since 1970.
    package let expires: Int64

    private static let prefix = "xet"

    /// The token: its fields, and the signature of these by `sign`.
    package func token(signedBy sign: (String) -> String) -> String {
        let text = "\(Self.prefix)_\(scope.rawValue)_\(serial)_\(expires)"
        return "\(text)_\(sign(text))"
    }

    /// Nil for a text that is no such token, or has another signature.
    package init?(_ token: Substring, signedBy sign: (String) -> String) {
        let parts = token.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == Self.prefix, let scope = Scope(rawValue: parts[1]),
            let expires = Int64(parts[3])
        else { return nil }
        self.init(scope: scope, serial: parts[2], expires: expires)
        guard self.token(signedBy: sign) == token else { return nil }
    }

    package init(scope: Scope, serial: String, expires: Int64) {
        self.scope = scope
        self.serial = serial
        self.expires = expires
    }
}

/// How the content of a file is assembled from chunks of xorbs.
package struct SandboxXetFile: Sendable, Equatable {
    package struct Term: Sendable, Equatable {
        /// The hash of the xorb.
        package let xorb: String
        /// Which of its chunks.
        package let chunks: Range<Int>
        /// In bytes.
        package let unpackedLength: Int
    }

    /// Xet's name of it.
    package let hash: String
    /// The name of it in LFS.
    package let sha256: String
    /// Empty where it did not come by Xet.
    package let terms: [Term]

    /// In bytes.
    package var unpackedLength: Int { terms.reduce(0) { $0 + $1.unpackedLength } }

    /// Of a file that came by Xet.
    package init(hash: String, sha256: String, terms: [Term]) {
        self.hash = hash
        self.sha256 = sha256
        self.terms = terms
    }

    /// Of a file that came by LFS. Xet's own hash would take BLAKE3 and Xet's chunking, and no client checks it.
    package init(lfs sha256: String) {
        self.init(hash: SandboxRepo.hex(64, seed: "xet file \(sha256)"), sha256: sha256, terms: [])
    }

    /// For the xorb that holds all of such a file, and nothing else.
    package static func xorbHash(of sha256: String) -> String { SandboxRepo.hex(64, seed: "xorb \(sha256)") }

    /// Whether it can be a hash, in Xet's text form.
    package static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
