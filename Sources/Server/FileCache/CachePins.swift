import EventIO
import Hub

/// Files that stay, whatever else is asked for: what was pulled of a repository or a revision. Waits for the disk: for the command line, and an
/// administrator's order.
struct CachePins {
    struct Outcome: Equatable, Sendable {
        let pin: CacheDirectory.Pin
        let isPinned: Bool
        let files: Int
        let bytes: Int

        var json: JSON {
            [
                "type": .string(pin.repo.kind.apiName), "repo": .string(pin.repo.id.text),
                "revision": pin.revision.map { .string($0) } ?? .null, "pinned": .bool(isPinned),
                "files": .integer(Int64(files)), "bytes": .integer(Int64(bytes)),
            ]
        }
    }

    /// Why not, as a sentence without its full stop, and the exit code of a command (sysexits.h).
    struct Refusal: Error {
        let code: Int32
        let reason: String
        var isOfRoom: Bool { code == 73 }
    }

    let directory: CacheDirectory
    /// In bytes.
    let cacheSize: Int

    func add(_ pin: CacheDirectory.Pin) throws(Refusal) -> Outcome {
        let commits = directory.held().filter { found in
            found.repo == pin.repo && (pin.revision.map { directory.commit(of: $0, in: pin.repo) == found.commit } ?? true)
        }
        guard !commits.isEmpty else {
            throw Refusal(code: 66, reason: "nothing of \(Self.text(pin)) was pulled: `hubgate cache pull` fetches it")
        }
        var sizes: [BlobName: Int] = [:]
        for (repo, commit) in commits {
            for entry in directory.revision(repo, commit: commit)?.entries ?? [] {
                if let content = entry.content { sizes[content] = entry.size }
            }
        }
        let wanted = sizes.values.reduce(0, +)
        var all = sizes
        for (repo, commit) in directory.pinnedCommits() {
            for entry in directory.revision(repo, commit: commit)?.entries ?? [] {
                if let content = entry.content { all[content] = entry.size }
            }
        }
        let total = all.values.reduce(0, +)
        guard total <= cacheSize else {
            throw Refusal(
                code: 73,
                reason: "what is pinned would take \(total) bytes with \(Self.text(pin)), and cache_size is \(cacheSize): "
                    + "raise it, or unpin something")
        }
        do throws(FileError) { try directory.pin(pin) } catch {
            throw Refusal(code: 74, reason: "\(directory.pins.shown): \(error)")
        }
        for name in sizes.keys { directory.setPinned(name, true) }
        return Outcome(pin: pin, isPinned: true, files: sizes.count, bytes: wanted)
    }

    func remove(_ pin: CacheDirectory.Pin) throws(Refusal) -> Outcome {
        guard directory.unpin(pin) else { throw Refusal(code: 66, reason: "\(Self.text(pin)) is not pinned") }
        let commits = directory.held().filter { $0.repo == pin.repo }
        let contents = commits.reduce(into: Set<BlobName>()) { all, found in
            all.formUnion(directory.revision(found.repo, commit: found.commit)?.contents ?? [])
        }
        directory.unpin(contents)
        return Outcome(pin: pin, isPinned: false, files: contents.count, bytes: 0)
    }

    private static func text(_ pin: CacheDirectory.Pin) -> String { pin.repo.text + (pin.revision.map { "@" + $0 } ?? "") }
}

extension CacheDirectory {
    /// Whether all of a blob is here.
    func isHeld(_ name: BlobName) -> Bool {
        (try? BlobFile(existing: name, isComplete: true, in: self, access: .read)) != nil
    }

    /// The blobs that pins are about.
    func pinnedContents() -> Set<BlobName> {
        pinnedCommits().reduce(into: []) { all, pin in
            all.formUnion(revision(pin.repo, commit: pin.commit)?.contents ?? [])
        }
    }

    /// Lets those go that no pin is about.
    func unpin(_ names: Set<BlobName>) {
        for name in names.subtracting(pinnedContents()) { setPinned(name, false) }
    }

    func setPinned(_ name: BlobName, _ isPinned: Bool) {
        (try? BlobFile(existing: name, isComplete: true, in: self))?.setPinned(isPinned)
    }
}
