import HTTP
import Hub

extension Failure {
    /// As the Hub says it, of what may not even be read; else what is missing.
    init(_ refusal: AccessRefusal) {
        guard refusal.looksAbsent else {
            self.init(.denied, detail: refusal.message)
            return
        }
        self = .hubAnswered(
            HubRefusal(status: refusal.status, code: refusal.code, message: refusal.message, headers: [:]))
    }
}
