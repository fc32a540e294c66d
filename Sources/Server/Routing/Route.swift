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
    /// Their numbers are where metrics count them.
    enum Name: Int, Sendable, CaseIterable {
        case home, account, createRepo, updateRepo, deleteRepo, health, ready, metrics
        /// Sealed URLs: the bytes of files, and Xet.
        case content
        /// Whatever is no endpoint of our own: the inference router's below `/v1`, else the Hub's.
        case relay, inference
    }
}
