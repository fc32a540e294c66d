import EventIO
import Hub

/// Pins: the pulled files of a repository or a revision stay, whatever else is asked for. Waits for the disk: for the command line, and an
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

    /// Why not: a sentence without its full stop, and the exit code of a command (sysexits.h).
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
        let sizes = directory.sizes(of: commits)
        try Self.check(sizes, beside: directory.sizes(of: directory.pinnedCommits()), cacheSize: cacheSize)
        do throws(FileError) { try directory.pin(pin) } catch {
            throw Refusal(code: 74, reason: "\(directory.pins.shown): \(error)")
        }
        for name in sizes.keys { directory.setPinned(name, true) }
        return Outcome(pin: pin, isPinned: true, files: sizes.count, bytes: sizes.values.sum)
    }

    /// Throws where all that would be pinned does not fit into the cache.
    static func check(
        _ wanted: [BlobName: Int], beside pinned: [BlobName: Int], cacheSize: Int
    ) throws(Refusal) {
        let others = pinned.lazy.filter { wanted[$0.key] == nil }.map(\.value)
        let total = [wanted.values.sum, others.sum].sum
        guard total <= cacheSize else {
            throw Refusal(
                code: 73,
                reason:
                    "what is pinned would take \(total) bytes with this, and cache_size is \(cacheSize): raise it, or unpin something"
            )
        }
    }

    func remove(_ pin: CacheDirectory.Pin) throws(Refusal) -> Outcome {
        guard directory.unpin(pin) else {
            let others = directory.pinned().filter { $0.repo == pin.repo }.map(\.text)
            let verb = others.count == 1 ? "is" : "are"
            let hint = others.isEmpty ? "" : "; \(others.joined(separator: ", ")) \(verb)"
            throw Refusal(code: 66, reason: "\(pin.text) is not pinned\(hint)")
        }
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

    /// Whether some of a blob is here.
    func has(_ name: BlobName) -> Bool {
        isHeld(name) || (try? BlobFile(existing: name, isComplete: false, in: self, access: .read)) != nil
    }

    /// The blobs of commits, with their sizes. Waits for the disk.
    func sizes(of commits: [(repo: RepoKey, commit: String)]) -> [BlobName: Int] {
        commits.reduce(into: [:]) { sizes, found in
            for entry in revision(found.repo, commit: found.commit)?.files ?? [] {
                if let content = entry.content { sizes[content] = entry.size }
            }
        }
    }

    /// The blobs that pins cover.
    func pinnedContents() -> Set<BlobName> {
        pinnedCommits().reduce(into: []) { all, pin in
            all.formUnion(revision(pin.repo, commit: pin.commit)?.contents ?? [])
        }
    }

    /// Unpins the blobs that no pin covers.
    func unpin(_ names: Set<BlobName>) {
        for name in names.subtracting(pinnedContents()) { setPinned(name, false) }
    }

    func setPinned(_ name: BlobName, _ isPinned: Bool) {
        (try? BlobFile(existing: name, isComplete: true, in: self))?.setPinned(isPinned)
    }
}

extension Sequence<Int> {
    /// The sum, or the largest number where that overflows: sizes are what a Hub has said.
    var sum: Int {
        reduce(0) { total, size in
            let (sum, isTooLarge) = total.addingReportingOverflow(size)
            return isTooLarge ? .max : sum
        }
    }
}
