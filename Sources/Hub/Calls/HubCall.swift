package import HTTP

/// One call of the Hub's API: its request, and the meaning of its response. It knows no host, no token and no transport.
package protocol HubCall: Sendable {
    associatedtype Answer: Sendable

    var method: Method { get }
    /// Percent-encoded, from the Hub's root: `/api/whoami-v2`.
    var path: String { get }
    /// Nil for a call without a body.
    var body: [UInt8]? { get throws(Failure) }
    /// The Content-Type of the body.
    var contentType: String? { get }
    /// Bounds of a successful response.
    var limits: JSONLimits { get }

    /// Reads a successful response. Throws `hubBroken` if it is not what the Hub promises.
    func read(_ body: [UInt8]) throws(Failure) -> Answer
}

extension HubCall {
    package var body: [UInt8]? { get throws(Failure) { nil } }
    package var contentType: String? { nil }
    package var limits: JSONLimits { .reply }

    /// Reads the Hub's response. Throws `hubAnswered` for every status but 2xx, `hubBroken` for a body that is not what
    /// the Hub promises.
    package func answer(status: Status, headers: Headers, body: [UInt8]) throws(Failure) -> Answer {
        guard status.isSuccess else {
            throw .hubAnswered(HubRefusal(status: status, headers: headers, body: body))
        }
        return try read(body)
    }
}

extension Failure {
    package init(_ error: MalformedTarget) {
        self = .badRequest(error.reason)
    }
}

extension Target {
    /// A target on the Hub. Throws `badRequest` like `init(_:)`.
    package init(hub path: String) throws(Failure) {
        do throws(MalformedTarget) {
            self = try Target(path)
        } catch {
            throw Failure(error)
        }
    }
}
