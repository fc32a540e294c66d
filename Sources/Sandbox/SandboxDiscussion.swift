import HTTP
package import Hub

/// A discussion, or the proposal of a change with its own branch.
package struct SandboxDiscussion: Sendable, Equatable {
    package enum Status: String, Sendable, CaseIterable {
        case open, closed, merged, draft
    }

    /// An event in it, with its JSON.
    package struct Event: Sendable, Equatable {
        package let id: String
        package let type: String
        package let author: String
        package let date: Int64
        package var data: JSON

        package var json: JSON {
            [
                "id": .string(id), "type": .string(type), "author": SandboxDiscussion.person(author),
                "createdAt": .string(SandboxRepo.timestamp(date)), "data": data,
            ]
        }
    }

    package let number: Int
    package var title: String
    package let author: String
    package let date: Int64
    package var status: Status
    /// The commit that a proposal started from; nil for a discussion.
    package let base: String?
    package var events: [Event] = []
    package var mergeCommit: String?

    package static let most = 1000
    package static let mostEvents = 1000
    package static let longestText = 65_536

    package var heldBytes: Int { title.utf8.count + events.reduce(0) { $0 + 128 + $1.data.textBytes } }

    package mutating func add(_ type: String, by author: String, at date: Int64, _ data: JSON) throws(SandboxRefusal)
        -> Event
    {
        guard events.count < Self.mostEvents else { throw .full("events in this discussion") }
        let id = SandboxRepo.hex(24, seed: "event \(number) \(events.count) \(author) \(date)")
        let event = Event(id: id, type: type, author: author, date: date, data: data)
        events.append(event)
        return event
    }

    package mutating func comment(_ text: String, by author: String, at date: Int64) throws(SandboxRefusal) -> Event {
        guard !text.isEmpty, text.utf8.count <= Self.longestText else { throw .badRequest("Invalid comment") }
        return try add("comment", by: author, at: date, Self.content(text, edited: false, hidden: false, date: date))
    }

    package mutating func set(_ status: Status, by author: String, at date: Int64) throws(SandboxRefusal) -> Event {
        self.status = status
        return try add("status-change", by: author, at: date, ["status": .string(status.rawValue)])
    }

    package static func content(_ text: String, edited: Bool, hidden: Bool, date: Int64) -> JSON {
        [
            "edited": .bool(edited), "hidden": .bool(hidden),
            "latest": ["raw": .string(text), "updatedAt": .string(SandboxRepo.timestamp(date))], "reactions": [],
        ]
    }

    package static func person(_ name: String) -> JSON {
        [
            "name": .string(name), "fullname": .string(name), "type": "user",
            "avatarUrl": .string("/avatars/\(name).svg"),
        ]
    }

    /// In the form of a list's entry.
    package func json(in repo: SandboxRepo) -> [String: JSON] {
        [
            "num": .integer(Int64(number)), "title": .string(title), "author": Self.person(author),
            "createdAt": .string(SandboxRepo.timestamp(date)), "status": .string(status.rawValue),
            "isPullRequest": .bool(base != nil), "pinned": false,
            "repo": ["name": .string(repo.id.text), "type": .string(repo.kind.apiName)],
            "numComments": .integer(Int64(events.count { $0.type == "comment" })),
        ]
    }

    /// With all events.
    package func details(in repo: SandboxRepo, conflicts: [String], url: String, withDiff: Bool) -> JSON {
        var members = json(in: repo)
        members["url"] = .string(url)
        members["events"] = .array(events.map(\.json))
        if base != nil {
            members["changes"] = [
                "base": "refs/heads/main", "mergeCommitId": mergeCommit.map { .string($0) } ?? nil,
            ]
            members["filesWithConflicts"] = .array(conflicts.map { .string($0) })
            if withDiff { members["diff"] = "" }
        }
        return .object(members)
    }
}

extension JSON {
    /// The bytes of its strings.
    fileprivate var textBytes: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .array(let elements): elements.reduce(0) { $0 + $1.textBytes }
        case .object(let members): members.values.reduce(0) { $0 + $1.textBytes }
        default: 0
        }
    }
}
