import HTTP
import Hub

extension Failure {
    /// In the Hub's form, for a resource that may not even be read; else with the missing right.
    init(_ refusal: AccessRefusal) {
        guard refusal.looksAbsent else {
            self.init(.denied, detail: refusal.message)
            return
        }
        self = .hubAnswered(
            HubRefusal(status: refusal.status, code: refusal.code, message: refusal.message, headers: [:]))
    }
}
