extension Target {
    /// The prefix of the gateway's paths that are signed for URLs elsewhere. The rest of such a path is as good as a credential.
    package static let signedPrefix = "/-/signed/"
    /// The prefix of paths at which replicas ask each other for bytes of files, by their SHA-256.
    package static let peerPrefix = "/-/peer/blobs/"

    /// Path and query with signed parts, and the values of parameters that look secret, replaced by `***`; for logs
    /// and errors.
    package var loggable: String {
        let isSigned = pathContains(anyOf: Self.signed)
        guard let query else { return isSigned ? pathWithoutSignature : pathAndQuery }
        guard isSigned || mayShowSecret else { return pathAndQuery }
        var shown = (isSigned ? pathWithoutSignature : path) + "?"
        var pair: [UInt8] = []
        // Some servers take ";" as a separator too, so a secret may follow one.
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

    /// Whether the query has to be examined: not if nothing in it is encoded and no parameter looks secret. This is
    /// asked for each line of the log, so it makes no String.
    private var mayShowSecret: Bool {
        let bytes = pathAndQuery.utf8.span
        var start = pathLength + 1
        while start < bytes.count {
            var end = start
            var nameEnd: Int?
            while end < bytes.count, bytes[end] != UInt8(ascii: "&"), bytes[end] != UInt8(ascii: ";") {
                if bytes[end] == UInt8(ascii: "%") || bytes[end] >= 0x80 { return true }
                if bytes[end] == UInt8(ascii: "="), nameEnd == nil { nameEnd = end }
                end += 1
            }
            if Self.secretWords.contains(bytes.extracting(start..<(nameEnd ?? end))) { return true }
            if let nameEnd {
                if Self.tokens.contains(bytes.extracting(nameEnd + 1..<end)) { return true }
                if Self.hasSecretPart(bytes.extracting(start..<nameEnd)) { return true }
            }
            start = end + 1
        }
        return false
    }

    private static func hasSecretPart(_ name: Span<UInt8>) -> Bool {
        for part in secretParts where part.utf8.count <= name.count {
            let part = part.utf8.span
            // One comparison excludes nearly all places.
            for start in 0...name.count - part.count where name[start] | 0x20 == part[0] {
                if name.extracting(start..<start + part.count).isCaselessly(part) { return true }
            }
        }
        return false
    }

    /// Without the signature: the part before it, if the gateway is below a path, and the part below it.
    private var pathWithoutSignature: String {
        guard let prefix = path.firstRange(of: Self.signedPrefix) else { return path }
        let below = path[prefix.upperBound...].split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        return path[..<prefix.upperBound] + "***" + below.dropFirst(2).map { "/" + $0 }.joined()
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

    private static let signed = PathParts([signedPrefix])
    private static let tokenPrefix = "hf_"
    private static let secretNames: Set<String> = [
        "sig", "key", "policy", "code", "auth", "authorization", "jwt", "key-pair-id", "awsaccesskeyid", "api_key",
        "apikey", "state", "session", "code_verifier",
    ]
    private static let secretWords = CaselessWords(Array(secretNames), prefixes: [tokenPrefix])
    private static let tokens = CaselessWords([], prefixes: [tokenPrefix])
    private static let secretParts = ["token", "signature", "credential", "secret", "passw"]
}
