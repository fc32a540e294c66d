/// One call of the Hub's API: what to send, and what its answer means. It knows no host, no token and no transport.
public protocol HubCall: Sendable {
    associatedtype Answer: Sendable

    var method: Method { get }
    /// Percent-encoded, from the Hub's root: `/api/whoami-v2`.
    var path: String { get }
    /// Nil for a call without a body.
    var body: [UInt8]? { get throws(Failure) }
    /// The Content-Type of the body.
    var contentType: String? { get }
    /// What a successful answer may be at most.
    var limits: JSONLimits { get }

    /// Reads a successful answer. Throws `hubBroken` if it is not what the Hub promises.
    func read(_ body: [UInt8]) throws(Failure) -> Answer
}

extension HubCall {
    public var body: [UInt8]? { get throws(Failure) { nil } }
    public var contentType: String? { nil }
    public var limits: JSONLimits { .reply }

    /// Reads the Hub's answer. Throws `hubAnswered` for every status but 2xx, `hubBroken` for a body that is not what
    /// the Hub promises.
    public func answer(status: Status, headers: Headers, body: [UInt8]) throws(Failure) -> Answer {
        guard status.isSuccess else {
            throw .hubAnswered(HubRefusal(status: status, headers: headers, body: body))
        }
        return try read(body)
    }
}
