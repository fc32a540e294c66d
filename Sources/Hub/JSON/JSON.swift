package import HTTP

/// A JSON value (RFC 8259). Members of an object have no order; encoding sorts them, so equal values give equal bytes.
package enum JSON: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number with a fraction, or one beyond Int64: with a Double's precision.
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Its type, for a sentence such as "must be true or false, was a number".
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The member of an object; nil for a missing one and for anything but an object.
    package subscript(_ member: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members[member]
    }

    /// The text of a string; nil for anything else.
    package var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral text: String) { self = .string(text) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// Of equal keys the last counts.
    package init(dictionaryLiteral members: (String, JSON)...) {
        var object = [String: JSON](minimumCapacity: members.count)
        for (name, value) in members { object[name] = value }
        self = .object(object)
    }
}

/// What a reader of JSON accepts. Each reader sets its own limits, so that the cost of a text is bounded before it is read.
package struct JSONLimits: Sendable {
    /// Bytes of the whole text.
    package let bytes: Int
    /// How deep arrays and objects are nested. Reading recurses, so this bounds the stack too.
    package let depth: Int
    /// Values in all: each scalar, each array and each object counts, names do not.
    package let values: Int
    /// Bytes of one string or name, as written.
    package let string: Int

    package init(bytes: Int, depth: Int, values: Int, string: Int = .max) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
        self.string = string
    }

    /// The body of a request to `/api/repo`: six flat members, of which the longest is two names of 96 bytes.
    package static let order = JSONLimits(bytes: 256 << 10, depth: 4, values: 64, string: 1024)
    /// `GET /api/whoami-v2`: about ten members for each organisation and for each scope of a fine-grained token.
    package static let account = JSONLimits(bytes: 256 << 10, depth: 16, values: 4096)
    /// The Hub's response to an order, and its errors: a message and a few members.
    package static let reply = JSONLimits(bytes: 64 << 10, depth: 16, values: 1024)
}

extension Response {
    /// Throws `internalError` for a number that JSON cannot express.
    package init(_ status: Status, json: JSON) throws(Failure) {
        self.init(status, headers: ["Content-Type": "application/json"], body: try json.encoded())
    }
}
