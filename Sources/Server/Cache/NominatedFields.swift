import HTTP

/// The fields of a request by which the Hub has chosen a response: those that `Vary` names, with their values in that request
/// (RFC 9111 section 4.1). Fields in `CacheKey`, and credentials, which partitions cover, are left out.
struct NominatedFields: Sendable {
    struct Field: Sendable {
        let name: String
        let values: [String]
    }

    let fields: [Field]

    /// A response that depends on more fields is kept for no other request.
    private static let most = 16
    private static let inKey = CaselessWords(["Accept", "Accept-Encoding", "Authorization", "Cookie", "Origin", "Host"])

    init(_ fields: [Field]) { self.fields = fields }

    /// Nil for a response that is good for this request alone.
    init?(_ response: Headers, of request: Request) {
        var fields: [Field] = []
        if response.contains("Vary") {
            for value in response.values(of: "Vary") {
                for member in value.utf8.split(separator: UInt8(ascii: ",")) {
                    let name = String(decoding: member.trimmingOWS(), as: UTF8.self)
                    guard name != "*", fields.count < Self.most else { return nil }
                    if name.isEmpty || Self.inKey.contains(name.utf8.span) { continue }
                    fields.append(Field(name: name, values: request.headers.values(of: name)))
                }
            }
        }
        self.fields = fields
    }

    /// Whether the Hub would have chosen the same response for this request.
    func fit(_ request: Request) -> Bool {
        fields.allSatisfy { request.headers.values(of: $0.name) == $0.values }
    }
}
