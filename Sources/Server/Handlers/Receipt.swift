internal import Hub

/// What the facade says of an order that was carried out: a sentence, and the facts in it.
struct Receipt: Sendable {
    let message: String
    let members: [String: JSON]

    init(_ message: String, _ facts: [String: JSON] = [:]) {
        self.message = message
        members = facts.merging(["message": .string(message)]) { $1 }
    }
}
