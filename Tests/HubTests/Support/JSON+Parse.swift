@testable import Hub

extension JSON {
    /// A text of the tests' own: within limits that none of them meets.
    static func parse(_ bytes: [UInt8]) throws(Failure) -> JSON {
        try parse(bytes, within: JSONLimits(bytes: .max, depth: 64, values: .max))
    }
}
