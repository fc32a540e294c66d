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
    }

    let directory: CacheDirectory
    /// In bytes.
    let cacheSize: Int

    func add(_ pin: CacheDirectory.Pin) throws(Refusal) -> Outcome {
        let commits = directory.held(of: pin)
        guard !commits.isEmpty else {
            throw Refusal(code: 66, reason: "nothing of \(pin.text) was pulled: `hubgate cache pull` fetches it")
        }
        let sizes = try Self.sizes(
            of: commits.compactMap { directory.revision($0.repo, commit: $0.commit) },
            beside: directory.pinnedCommits().compactMap { directory.revision($0.repo, commit: $0.commit) },
            cacheSize: cacheSize)
        do throws(FileError) { try directory.pin(pin) } catch {
            throw Refusal(code: 74, reason: "\(directory.pins.shown): \(error)")
        }
        for name in sizes.keys { directory.setPinned(name, true) }
        return Outcome(pin: pin, isPinned: true, files: sizes.count, bytes: sizes.values.reduce(0, +))
    }

    /// Of the blobs of revisions. Throws where all that would be pinned does not fit into the cache.
    static func sizes(
        of wanted: [HeldRevision], beside pinned: [HeldRevision], cacheSize: Int
    ) throws(Refusal) -> [BlobName: Int] {
        func sizes(_ revisions: [HeldRevision]) -> [BlobName: Int] {
            revisions.reduce(into: [:]) { sizes, revision in
                for entry in revision.entries { if let content = entry.content { sizes[content] = entry.size } }
            }
        }
        let total = sizes(wanted + pinned).values.reduce(0, +)
        guard total <= cacheSize else {
            throw Refusal(
                code: 73,
                reason:
                    "what is pinned would take \(total) bytes with this, and cache_size is \(cacheSize): raise it, or unpin something"
            )
        }
        return sizes(wanted)
    }

    func remove(_ pin: CacheDirectory.Pin) throws(Refusal) -> Outcome {
        guard directory.unpin(pin) else { throw Refusal(code: 66, reason: "\(pin.text) is not pinned") }
        let commits = directory.held().filter { $0.repo == pin.repo }
        let contents = commits.reduce(into: Set<BlobName>()) { all, found in
            all.formUnion(directory.revision(found.repo, commit: found.commit)?.contents ?? [])
        }
        directory.unpin(contents)
        return Outcome(pin: pin, isPinned: false, files: contents.count, bytes: 0)
    }
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
