extension Target {
    /// Where the gateway's own paths begin that stand for URLs elsewhere. What follows is as good as a credential.
    public static let sealedPrefix = "/-/sealed/"

    /// Path and query with what is sealed, and the values of parameters that look secret, replaced by `***`; for logs
    /// and errors.
    public var loggable: String {
        let isSealed = pathContains(Self.sealedPrefix)
        guard let query else { return isSealed ? unsealedPath : pathAndQuery }
        var shown = (isSealed ? unsealedPath : path) + "?"
        var pair: [UInt8] = []
        // Some servers take ";" for a separator too, so a secret may follow one.
        for byte in query.utf8 {
            if byte == UInt8(ascii: "&") || byte == UInt8(ascii: ";") {
                shown += Self.redacted(pair) + String(UnicodeScalar(byte))
                pair.removeAll(keepingCapacity: true)
            } else {
                pair.append(byte)
            }
        }
        return shown + Self.redacted(pair)
    }

    /// Without the seal: what stands before it, if the gateway is below a path, and what is asked below it.
    private var unsealedPath: String {
        guard let seal = path.firstRange(of: Self.sealedPrefix) else { return path }
        let below = path[seal.upperBound...].split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return path[..<seal.upperBound] + "***" + below.dropFirst(2).map { "/" + $0 }.joined()
    }

    private static func redacted(_ pair: [UInt8]) -> String {
        let text = String(decoding: pair, as: UTF8.self)
        guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else {
            return PercentEncoding.decode(pair).hasPrefix(tokenPrefix) ? "***" : text
        }
        let name = PercentEncoding.decode(pair[..<equals]).lowercased()
        let value = PercentEncoding.decode(pair[(equals + 1)...])
        guard !name.hasPrefix(tokenPrefix) else { return "***" }
        guard isSecret(name) || value.hasPrefix(tokenPrefix) else { return text }
        return String(decoding: pair[...equals], as: UTF8.self) + "***"
    }

    private static func isSecret(_ name: String) -> Bool {
        secretNames.contains(name) || secretParts.contains { name.contains($0) }
    }

    private static let tokenPrefix = "hf_"
    private static let secretNames: Set<String> = [
        "sig", "key", "policy", "code", "auth", "authorization", "jwt", "key-pair-id", "awsaccesskeyid", "api_key",
        "apikey", "state", "session", "code_verifier",
    ]
    private static let secretParts = ["token", "signature", "credential", "secret", "passw"]
}
