import Logging

/// Sends keys to workers.
extension StateProcess {
    private static let keysAMessage = 100

    func sendKeys(to index: Int, _ sender: Int64) {
        do throws(DatabaseError) {
            while let writer, !users[index].isLoaded || users[index].lastSentChange ?? 0 < lastChange {
                let sent = users[index].lastSentChange ?? 0
                let found = try writer.changedKeys(after: sent, limit: Self.keysAMessage)
                let records = fitting(found)
                let isLast = found.count < Self.keysAMessage && records.count == found.count
                let message = StateMessage.keys(
                    sender: sender, isFirst: users[index].lastSentChange == nil, isLast: isLast, records)
                guard send(message, to: index) else { return }
                users[index].lastSentChange =
                    isLast ? max(lastChange, records.last?.change ?? 0) : records.last?.change ?? sent
                users[index].isLoaded = users[index].isLoaded || isLast
            }
        } catch {
            fail(error)
        }
    }

    /// The first records that fit one message. A key that alone is too long is sent as revoked: hubgate writes no rules of such a length,
    /// so another program has written it, and without it workers would keep the key's earlier rights.
    private func fitting(_ records: [KeyRecord]) -> [KeyRecord] {
        var slice = records[...]
        while !StateMessage.fits(Array(slice)) {
            guard slice.count > 1 else { return slice.map(refused) }
            slice = slice.prefix(slice.count / 2)
        }
        return Array(slice)
    }

    private func refused(_ record: KeyRecord) -> KeyRecord {
        if !hasCut {
            hasCut = true
            log.warning(
                "Key number \(record.number) has more rules than a worker can be told: it is refused. Revoke it, and make one with fewer rules."
            )
        }
        return record.asRevoked
    }
}
