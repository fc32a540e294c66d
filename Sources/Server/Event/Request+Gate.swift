internal import CEvent
internal import Hub

extension Request {
    /// The request that the gate let through. Of one that it refused nothing is known but why.
    static func read(_ passed: ce_request?, _ refused: ce_refusal?) -> (Request, Failure?) {
        let unknown = Request(method: Method(rawValue: "-"), target: .root)
        guard let passed = unsafe passed else {
            return (unknown, unsafe refused.map { unsafe Failure($0) } ?? .badRequest("The request could not be read."))
        }
        do throws(Failure) {
            let target = try Target(unsafe passed.head.text(passed.target))
            let method = Method(rawValue: unsafe passed.head.text(passed.method))
            return (Request(method: method, target: target, headers: unsafe Headers(passed.head)), nil)
        } catch {
            return (unknown, error)
        }
    }
}
