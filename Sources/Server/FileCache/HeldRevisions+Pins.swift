import EventIO
import Hub

/// What pins cover, looked up a part in each turn of the loop.
extension HeldRevisions {
    /// The commits that pins cover, of those here now.
    func pinned() async -> [(repo: RepoKey, commit: String)] {
        let pins = directory.pinned()
        guard !pins.isEmpty else { return [] }
        var share = TurnShare()
        let held = pins.contains { $0.revision == nil } ? await all(&share) : [:]
        var found: [(repo: RepoKey, commit: String)] = []
        for pin in pins {
            if let revision = pin.revision {
                if let commit = directory.commit(of: revision, in: pin.repo) { found.append((pin.repo, commit)) }
            } else {
                found += (held[pin.repo] ?? []).map { (pin.repo, $0) }
            }
            await share.pause()
        }
        return found
    }

    /// The commits here that a pin covers.
    func held(of pin: CacheDirectory.Pin) async -> [(repo: RepoKey, commit: String)] {
        guard pin.revision == nil else { return directory.held(of: pin) }
        var share = TurnShare()
        return (await all(&share)[pin.repo] ?? []).map { (pin.repo, $0) }
    }

    /// The commits of each repository.
    private func all(_ share: inout TurnShare) async -> [RepoKey: [String]] {
        var found: [RepoKey: [String]] = [:]
        for name in SystemFiles.list(directory.revisions) ?? [] {
            if let (repo, commit) = CacheDirectory.commit(named: name) { found[repo, default: []].append(commit) }
            await share.pause()
        }
        return found
    }

    /// The blobs of commits, with their sizes.
    func sizes(of commits: [(repo: RepoKey, commit: String)]) async -> [BlobName: Int] {
        var share = TurnShare()
        var sizes: [BlobName: Int] = [:]
        for (repo, commit) in commits {
            guard let entries = await find(repo, commit: commit)?.entries else { continue }
            sizes.reserveCapacity(max(sizes.count, entries.count))
            for index in entries.indices {
                if let content = entries.content(at: index) { sizes[content] = entries.size(at: index) }
                if index % 64 == 0 { await share.pause() }
            }
        }
        return sizes
    }

    /// Those of the blobs that none of these commits has.
    func contents(_ names: Set<BlobName>, without commits: [(repo: RepoKey, commit: String)]) async -> Set<BlobName> {
        var share = TurnShare()
        var left = names
        for (repo, commit) in commits where !left.isEmpty {
            guard let entries = await find(repo, commit: commit)?.entries else { continue }
            for index in entries.indices {
                if let content = entries.content(at: index) { left.remove(content) }
                if index % 64 == 0 { await share.pause() }
            }
        }
        return left
    }
}
