import FoundationEssentials

extension JSON {
    /// How deep arrays and objects may be nested; decoding recurses, so this bounds the stack.
    public static let deepest = 64

    /// Reads one JSON text in UTF-8. Throws `badRequest` for anything else, and for what readers disagree on: a name
    /// that an object has twice, a NUL, nesting deeper than `deepest`.
    public static func parse(_ bytes: [UInt8]) throws(Failure) -> JSON {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw .badRequest("The body is not JSON: it is not UTF-8.")
        }
        try JSONOutline.check(bytes, deepest: deepest)
        do {
            return try JSONDecoder().decode(JSON.self, from: Data(bytes))
        } catch {
            throw .badRequest("The body is not JSON: check its quotes, commas and brackets.")
        }
    }

    /// The value as compact UTF-8, members sorted by name. Throws `internalError` for a number that JSON cannot express
    /// (infinity, NaN), which `parse` never gives.
    public func encoded() throws(Failure) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        do {
            return try Array(encoder.encode(self))
        } catch {
            throw .internalError("JSON cannot be encoded: \(error)")
        }
    }
}

extension JSON: Codable {
    public init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: MemberName.self) {
            var object: [String: JSON] = [:]
            for key in members.allKeys { object[key.stringValue] = try members.decode(JSON.self, forKey: key) }
            self = .object(object)
        } else if var elements = try? decoder.unkeyedContainer() {
            var array: [JSON] = []
            while !elements.isAtEnd { array.append(try elements.decode(JSON.self)) }
            self = .array(array)
        } else {
            self = try Self.scalar(decoder.singleValueContainer())
        }
    }

    private static func scalar(_ value: any SingleValueDecodingContainer) throws -> JSON {
        if value.decodeNil() { return .null }
        if let text = try? value.decode(String.self) { return .string(text) }
        if let flag = try? value.decode(Bool.self) { return .bool(flag) }
        if let number = try? value.decode(Int64.self) { return .integer(number) }
        return .number(try value.decode(Double.self))
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: MemberName.self)
            for (name, value) in members { try container.encode(value, forKey: MemberName(stringValue: name)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .null: try encodeScalar(String?.none, to: encoder)
        case .bool(let flag): try encodeScalar(flag, to: encoder)
        case .integer(let number): try encodeScalar(number, to: encoder)
        case .number(let number): try encodeScalar(number, to: encoder)
        case .string(let text): try encodeScalar(text, to: encoder)
        }
    }

    private func encodeScalar(_ value: some Encodable, to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    private struct MemberName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
