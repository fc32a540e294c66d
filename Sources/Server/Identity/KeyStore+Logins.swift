import EventIO

/// What a login has the state process do.
extension KeyStore {
    /// Nil where it was not done, or where that is not known.
    func ask(_ order: LoginOrder) async -> LoginAnswer? {
        let record = order.record
        guard record.payload.count <= StateRecord.longest else { return nil }
        return await withCheckedContinuation { continuation in
            client.ask(record) { result in
                continuation.resume(returning: (try? result.get()).flatMap { LoginAnswer($0) })
            }
        }
    }
}
