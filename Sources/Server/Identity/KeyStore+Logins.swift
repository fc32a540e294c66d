import EventIO

/// Orders of logins to the state process.
extension KeyStore {
    /// Nil where it was not carried out, or the result is not known.
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
