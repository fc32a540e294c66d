import EventIO
import HTTP
import Hub

/// The public keys of an issuer (RFC 7517 section 5).
struct JSONWebKeySet: Sendable {
    private struct Entry: Sendable {
        let id: String
        let key: PublicKey
    }

    /// Why there is none, as a clause.
    struct Fault: Error, Equatable {
        let reason: String
    }

    static let longest = 256 << 10
    /// Each key takes work; issuers have two to ten.
    private static let most = 30
    private static let limits = JSONLimits(bytes: longest, depth: 8, values: 8192, string: 16 << 10)

    private var entries: [Entry] = []
    /// Why a key cannot be used, by its id.
    private var unfit: [String: String] = [:]

    /// The keys in a document; those for another use, too weak ones and unknown kinds are left out. Throws where none is
    /// left.
    init(_ document: [UInt8]) throws(Fault) {
        let json: JSON
        do throws(Failure) {
            json = try JSON.parse(document, within: Self.limits)
        } catch {
            throw Fault(reason: "it is no JSON that is read here: \(error.detail)")
        }
        guard case .array(let keys)? = json["keys"] else { throw Fault(reason: "it has no member keys that is a list") }
        guard keys.count <= Self.most else { throw Fault(reason: "it has more than \(Self.most) keys") }
        for key in keys {
            guard let id = key["kid"]?.stringValue, !id.isEmpty else { continue }
            do throws(Fault) {
                entries.append(Entry(id: id, key: try Self.key(key)))
            } catch {
                unfit[id] = error.reason
            }
        }
        guard !entries.isEmpty else {
            let reasons = unfit.sorted { $0.key < $1.key }.prefix(3).map { "\($0.key.quotedForLog) \($0.value)" }
            throw Fault(
                reason: "it has no key that can be used here"
                    + (reasons.isEmpty ? "" : ": " + reasons.joined(separator: ", ")))
        }
    }

    func has(_ id: String) -> Bool { unfit[id] != nil || entries.contains { $0.id == id } }

    /// Throws `untrusted` for an unknown id, and for a key of another algorithm.
    func verify(_ token: JSONWebToken) throws(TokenRefusal) {
        let named = entries.filter { $0.id == token.keyID }
        guard !named.isEmpty else {
            let reason =
                unfit[token.keyID].map { "is the id of a key that \($0)" } ?? "is not the id of a key of its issuer"
            throw .untrusted("its kid \(token.keyID.quotedForLog) \(reason)")
        }
        guard let entry = named.first(where: { $0.key.algorithm == token.algorithm }) else {
            throw .untrusted("its alg \(token.algorithm.rawValue) is not that of the key \(token.keyID.quotedForLog)")
        }
        guard entry.key.verifies(token.signature, of: token.signed) else {
            throw .untrusted("its signature is not that of the key \(token.keyID.quotedForLog)")
        }
    }

    private static func key(_ json: JSON) throws(Fault) -> PublicKey {
        if let use = json["use"], use.stringValue != "sig" { throw Fault(reason: "is not for signatures (use)") }
        if let operations = json["key_ops"] {
            guard case .array(let names) = operations, names.contains("verify") else {
                throw Fault(reason: "is not for verifying (key_ops)")
            }
        }
        let algorithm = try algorithm(json)
        if let named = json["alg"], named.stringValue != algorithm.rawValue {
            throw Fault(reason: "is for another algorithm (alg)")
        }
        let made =
            switch algorithm {
            case .rs256: PublicKey(.rs256, try number(json, "n"), try number(json, "e"))
            case .es256: PublicKey(.es256, try number(json, "x"), try number(json, "y"))
            case .edDSA: PublicKey(.edDSA, try number(json, "x"))
            }
        guard let made else {
            let bits = PublicKey.rsaBits
            throw Fault(
                reason: algorithm == .rs256
                    ? "is no RSA key of \(bits.lowerBound) to \(bits.upperBound) bits" : "is no point of its curve")
        }
        return made
    }

    /// Chosen by the key's type (RFC 7518 section 6.1, RFC 8037 section 2), whatever else it says.
    private static func algorithm(_ json: JSON) throws(Fault) -> PublicKey.Algorithm {
        switch (json["kty"]?.stringValue, json["crv"]?.stringValue) {
        case ("RSA", _): .rs256
        case ("EC", "P-256"): .es256
        case ("OKP", "Ed25519"): .edDSA
        default: throw Fault(reason: "is of a kind (kty, crv) that is not used here")
        }
    }

    private static func number(_ json: JSON, _ name: String) throws(Fault) -> [UInt8] {
        guard let text = json[name]?.stringValue, let bytes = Base64URL.decode(text.utf8), !bytes.isEmpty else {
            throw Fault(reason: "has no \(name), or one that is no base64url")
        }
        return bytes
    }
}
