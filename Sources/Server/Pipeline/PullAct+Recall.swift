import EventIO
import Hub

/// What is here of an order.
extension PullAct {
    /// What an earlier pull of this repository has brought is not fetched again.
    func recall(_ commit: String) async {
        var (known, stored, share): ([GitHash: BlobName], Set<BlobName>, _) = ([:], [], TurnShare())
        let last = files.directory.commit(of: order.revision, in: order.repo)
        for commit in Set([last, commit].compactMap(\.self)) {
            guard let earlier = await files.held.find(order.repo, commit: commit)?.entries else { continue }
            known.reserveCapacity(known.count + earlier.count)
            for index in earlier.indices {
                switch earlier.place(at: index) {
                case .git: known[earlier.oid(at: index)] = earlier.content(at: index)
                case .store: if let content = earlier.content(at: index) { stored.insert(content) }
                case .folder, .pointer: break
                }
                await share.pause()
            }
        }
        for index in entries.indices {
            switch entries.place(at: index) {
            case .git:
                if let content = known[entries.oid(at: index)], await isHeld(content) {
                    entries.setContent(content, at: index)
                }
            case .pointer: if entries.named(at: index).map(stored.contains) == true { entries.setFetched(at: index) }
            case .folder, .store: break
            }
            await share.pause()
        }
    }

    func isHeld(_ content: BlobName) async -> Bool {
        await files.openable(content)
        return files.isHeld(content)
    }
}
