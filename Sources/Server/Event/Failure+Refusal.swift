internal import CEvent
internal import Hub

extension Failure {
    /// What the gate refused, as the client gets it.
    init(_ refusal: ce_refusal) {
        unsafe self.init(
            .refused(Status(Int(refusal.status)), rule: String(cString: refusal.rule)),
            detail: String(cString: refusal.reason))
    }
}
