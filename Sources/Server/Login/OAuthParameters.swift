import HTTP
import Hub

/// The parameters of a request to these endpoints: a form, as OAuth defines it, or a JSON object, in which hf sends its token exchange.
struct OAuthParameters: Equatable {
    private var values: [String: String] = [:]

    /// Bytes of a whole body: a token, and room.
    static let longest = 32 << 10
    private static let most = 32
    private static let limits = JSONLimits(bytes: longest, depth: 3, values: 64, string: longest)

    subscript(_ name: String) -> String? { values[name] }

    init(_ body: [UInt8], mediaType: String?) throws(OAuthError) {
        switch mediaType {
        case "application/json": try read(json: body)
        case "application/x-www-form-urlencoded": try read(form: body)
        default:
            throw OAuthError(
                .invalidRequest, "The body has to be application/x-www-form-urlencoded or application/json.")
        }
    }

    /// Members that are no text are ignored.
    private mutating func read(json body: [UInt8]) throws(OAuthError) {
        guard case .object(let members)? = try? JSON.parse(body, within: Self.limits) else {
            throw OAuthError(.invalidRequest, "The body is no JSON object that is read here.")
        }
        values = members.compactMapValues(\.stringValue)
    }

    /// https://url.spec.whatwg.org/#urlencoded-parsing, but an invalid escape and a repeated name are refused (RFC 6749
    /// section 3.2).
    private mutating func read(form body: [UInt8]) throws(OAuthError) {
        let pairs = body.split(separator: UInt8(ascii: "&"))
        guard pairs.count <= Self.most else { throw OAuthError(.invalidRequest, "The form has too many fields.") }
        for pair in pairs {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : []) else {
                throw OAuthError(.invalidRequest, "The form has an escape that is none, or is not UTF-8.")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw OAuthError(.invalidRequest, "The form has a field twice.")
            }
        }
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst()?.hexDigit, let low = rest.popFirst()?.hexDigit else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
