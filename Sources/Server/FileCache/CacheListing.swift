import EventIO

/// Lists `cache_dir` while the gateway serves: a page at a time, and a little of it in each turn of the loop.
@EventLoop
struct CacheListing {
    let directory: CacheDirectory

    /// The longest turn of the loop, in microseconds: then other work has its turn.
    private static let longestTurn = 500

    /// Files by their names, after `name`, at most `limit`; and whether there are more.
    func page(after name: BlobName?, limit: Int) async -> (files: [BlobSummary], hasMore: Bool) {
        var files: [BlobSummary] = []
        for part in (name?.part ?? 0)..<CacheDirectory.parts.count {
            let found = (SystemFiles.list(directory.blobs + "/" + CacheDirectory.parts[part]) ?? [])
                .compactMap { CacheDirectory.blob($0) }.filter { $0.name.hex > name?.hex ?? "" }
            await Self.nextTurn()
            var began = MonotonicInstant.now
            // For a moment one file can have both names: the whole one comes first.
            for entry in found where files.last?.name != entry.name {
                guard files.count < limit else { return (files, true) }
                guard
                    let file = try? BlobFile(
                        existing: entry.name, isComplete: entry.isComplete, in: directory, access: .read)
                else { continue }
                files.append(BlobSummary(file, held: await held(file, &began)))
            }
        }
        return (files, false)
    }

    /// Bytes of the pieces that are there.
    private func held(_ file: BlobFile, _ began: inout MonotonicInstant) async -> Int {
        if file.isComplete { return file.layout.size }
        var held = 0
        for piece in 0..<file.layout.pieces {
            if file.entry(of: piece) != nil { held += file.layout.range(of: piece).count }
            guard MonotonicInstant.now.microseconds(since: began) > Self.longestTurn else { continue }
            await Self.nextTurn()
            began = .now
        }
        return held
    }

    private static func nextTurn() async {
        await withCheckedContinuation { continuation in EventLoop.post { continuation.resume() } }
    }
}
