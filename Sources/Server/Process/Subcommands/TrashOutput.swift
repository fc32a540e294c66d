import EventIO
import Hub

/// The trash in a form for people and for programs.
extension TrashRecord {
    static let columns = ["REPOSITORY", "DELETED", "BY", "UNTIL", "STATUS", "NAME IN THE TRASH"]

    func cells(now: Int64) -> [String] {
        [
            resource, WallClock.iso8601(deleted), deletedBy.isEmpty ? "-" : deletedBy, WallClock.iso8601(expires),
            state(now: now), trashName,
        ]
    }

    private func state(now: Int64) -> String {
        let wish = order.map { ", to \($0.word)" } ?? (status == .kept && expires <= now ? ", to purge" : "")
        let failures = attempts > 0 ? ", \(Int(clamping: attempts).counting("attempt")) failed" : ""
        return status.word + wish + failures
    }

    var members: [String: JSON] {
        func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
        return [
            "type": .string(kind.apiName), "name": .string(id.text), "trash_name": text(trashID?.text),
            "deleted": .string(WallClock.iso8601(deleted)), "deleted_by": .string(deletedBy),
            "request_id": .string(requestID), "expires": .string(WallClock.iso8601(expires)),
            "was_private": wasPrivate.map { .bool($0) } ?? .null, "as": text(credential),
            "status": .string(status.word), "order": text(order?.word), "ordered_by": text(orderedBy),
            "restore_as": text(restoreAs?.text), "attempts": .integer(attempts), "trouble": text(trouble),
        ]
    }
}
