import EventIO
import HTTP
import Hub

/// A signed JSON Web Token in its compact form (RFC 7515 section 3.1, RFC 7519), in its parts. No claim counts before the
/// signature was verified.
struct JSONWebToken: Sendable {
    let algorithm: PublicKey.Algorithm
    /// Which of the issuer's keys has signed it.
    let keyID: String
    let claims: [String: JSON]
    /// The signed bytes: the first two parts, as they came.
    let signed: [UInt8]
    let signature: [UInt8]

    /// Bytes of a token: those of GitHub and Kubernetes have one to two thousand.
    static let longest = 16 << 10
    private static let longestSignature = 1024 + 1
    private static let limits = JSONLimits(bytes: longest, depth: 8, values: 512, string: 4096)

    /// Reads a token. Anything but the one accepted form is refused.
    init(_ text: String) throws(TokenRefusal) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.longest else { throw .malformed("it has more than \(Self.longest) bytes") }
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("it has not three parts between dots") }
        let header = try Self.object(parts[0], "header")
        algorithm = try Self.algorithm(header)
        keyID = try Self.keyID(header)
        claims = try Self.object(parts[1], "payload")
        guard let signature = Base64URL.decode(parts[2]), (1...Self.longestSignature).contains(signature.count) else {
            throw .malformed("its signature is empty, too long or no base64url")
        }
        self.signature = signature
        signed = Array(bytes[..<parts[1].endIndex])
    }

    private static func object(_ part: ArraySlice<UInt8>, _ name: String) throws(TokenRefusal) -> [String: JSON] {
        guard let bytes = Base64URL.decode(part) else { throw .malformed("its \(name) is no base64url") }
        do throws(Failure) {
            if case .object(let members) = try JSON.parse(bytes, within: limits) { return members }
        } catch {
            throw .malformed("its \(name) is no JSON that is read here: \(error.detail)")
        }
        throw .malformed("its \(name) is no JSON object")
    }

    /// The header names the algorithm, and has no extension that must be understood (RFC 7515 section 4.1.11).
    private static func algorithm(_ header: [String: JSON]) throws(TokenRefusal) -> PublicKey.Algorithm {
        for name in ["crit", "b64", "enc", "zip"] where header[name] != nil {
            throw .malformed("its header has \(name), which is not understood here")
        }
        guard let name = header["alg"]?.stringValue else { throw .malformed("its header has no alg") }
        guard let algorithm = PublicKey.Algorithm(rawValue: name) else {
            let accepted = PublicKey.Algorithm.allCases.map(\.rawValue).joined(separator: ", ")
            throw .malformed("its alg is \(name.quotedForLog); accepted: \(accepted)")
        }
        // RFC 8725 section 3.11: a token of another type must not pass as this one.
        if let type = header["typ"], type.stringValue?.lowercased() != "jwt" {
            throw .malformed("its typ is not JWT")
        }
        return algorithm
    }

    private static func keyID(_ header: [String: JSON]) throws(TokenRefusal) -> String {
        guard let id = header["kid"]?.stringValue, (1...256).contains(id.utf8.count) else {
            throw .malformed("its header has no kid, or one that is empty or too long")
        }
        return id
    }

    /// The issuer that it claims.
    var issuer: String {
        get throws(TokenRefusal) {
            guard let issuer = claims["iss"]?.stringValue, !issuer.isEmpty else {
                throw .malformed("it has no iss, or one that is no text")
            }
            return issuer
        }
    }

    /// For logs and the key's name; empty where it has none.
    var subject: String { claims["sub"]?.stringValue ?? "" }
}
