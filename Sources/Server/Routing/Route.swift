internal import Hub

/// One endpoint of the gateway's own.
struct Route: Sendable {
    let method: Method
    let path: String
    /// What it does, for the home page and the documentation.
    let summary: String
    /// The JSON body of the example.
    let example: String?
    /// In words, what answers it.
    let name: Name

    /// The endpoints by name: the log and the handlers' table use it.
    enum Name: String, Sendable, CaseIterable {
        case home, account, createRepo, updateRepo, deleteRepo, health, ready
        /// Whatever is no endpoint of our own.
        case relay
    }
}
