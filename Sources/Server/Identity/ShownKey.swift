import HTTP

/// Reads the key of a request: as `HF_TOKEN` sends it (Bearer, RFC 6750), or as git does (Basic, RFC 7617: any user, the key as password).
enum ShownKey {
    private static let bearer = "bearer "
    private static let basic = "basic "
    /// For a user's name and a key in base 64, with room.
    private static let longestBasic = 1024

    /// Whether the credential is one that a browser may attach by itself.
    static func isBasic(_ headers: Headers) -> Bool {
        headers.withFirst("Authorization") { begins($0, with: basic) } ?? false
    }

    /// Reads the first `Authorization` field. A token in any other form is `foreign`.
    static func read(_ headers: Headers) throws(KeyRefusal) -> GatewayKey.Parsed {
        let result = headers.withFirst("Authorization") { value -> Result<GatewayKey.Parsed, KeyRefusal> in
            if begins(value, with: bearer) { return parse(value.extracting(word(of: value, after: bearer)...)) }
            guard begins(value, with: basic), value.count <= longestBasic else { return .failure(.foreign) }
            guard let pair = Base64.decode(value.extracting(word(of: value, after: basic)...)),
                let colon = pair.firstIndex(of: UInt8(ascii: ":"))
            else { return .failure(.foreign) }
            return parse(pair.span.extracting((colon + 1)...))
        }
        guard let result else { throw .missing }
        return try result.get()
    }

    private static func parse(_ text: Span<UInt8>) -> Result<GatewayKey.Parsed, KeyRefusal> {
        do throws(GatewayKey.Flaw) {
            return .success(try GatewayKey.parse(text))
        } catch {
            return .failure(error == .foreign ? .foreign : .mistyped)
        }
    }

    private static func begins(_ value: Span<UInt8>, with scheme: String) -> Bool {
        let scheme = scheme.utf8.span
        return value.count >= scheme.count && value.extracting(0..<scheme.count).isCaselessly(scheme)
    }

    /// Where the word after the scheme begins: RFC 9110 section 11.4 allows several spaces before it.
    private static func word(of value: Span<UInt8>, after scheme: String) -> Int {
        var start = scheme.utf8.count
        while start < value.count, value[start] == UInt8(ascii: " ") { start += 1 }
        return start
    }
}
