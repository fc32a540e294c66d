import EventIO
import HTTP
import Hub

/// The files of an order.
extension PullAct {
    /// Bytes that are hashed in one step.
    private static let hashedBytes = 64 << 10

    func fetch() async throws(Failure) {
        let lanes = (0..<min(Self.lanes, queue.count)).map { _ in
            let end = Awaited<Bool>()
            EventLoop.task {
                await self.work()
                end.settle(true)
            }
            return end
        }
        for lane in lanes { _ = await lane.value() }
        if let failure { throw failure }
    }

    private func work() async {
        while failure == nil, let index = queue.popFirst() {
            let entry = entries[index]
            do throws(Failure) {
                try await fetch(entry, at: index)
            } catch {
                if failure == nil { failure = error.kind == .clientGone ? error : error.about(entry.path) }
            }
        }
    }

    private func fetch(_ entry: HeldEntry, at index: Int) async throws(Failure) {
        let path = entry.path.split(separator: "/").map { PercentEncoding.encode(segment: String($0)) }
        let target =
            "/\(order.repo.kind.webPrefix)\(order.repo.id.path)/resolve/\(order.commit)/\(path.joined(separator: "/"))"
        if entry.place == .git {
            entries.setContent(try await fetchSmall(entry, target), at: index)
        } else {
            try await fetchLarge(entry, target)
            entries.setFetched(at: index)
        }
        doneBytes += entry.size
        order.filesDone += 1
        tell()
    }

    private func fetchSmall(_ entry: HeldEntry, _ target: String) async throws(Failure) -> BlobName? {
        guard entry.size <= Self.longestGitFile else {
            throw .hubBroken("\(entry.path.shown) is in git and has \(entry.size) bytes")
        }
        var answer = try await ask(.get, target, limit: Self.longestGitFile)
        if answer.status.isRedirect, let location = answer.headers["Location"] {
            // The Hub redirects to itself.
            let next = location.hasPrefix(hub.base + "/") ? String(location.dropFirst(hub.base.utf8.count)) : location
            guard next.hasPrefix("/"), !next.hasPrefix("//") else {
                throw .hubBroken("it leads elsewhere for a file of git")
            }
            answer = try await ask(.get, next, limit: Self.longestGitFile)
        }
        guard answer.status == .ok else { throw .hubBroken("it answered \(answer.status) for a file of git") }
        guard await Self.gitName(of: answer.body) == entry.oid else {
            throw .hubBroken("what it sent is not the file that git names")
        }
        return try await files.keep(answer.body)
    }

    /// The content's name in git, computed a part in each turn of the loop.
    private static func gitName(of content: [UInt8]) async -> String {
        let hash = IncrementalSHA1()
        var (rest, share) = (content[...], TurnShare())
        unsafe Array("blob \(content.count)\0".utf8).withUnsafeBufferPointer { unsafe hash.add($0) }
        while !rest.isEmpty {
            unsafe rest.prefix(hashedBytes).withUnsafeBufferPointer { unsafe hash.add($0) }
            rest = rest.dropFirst(hashedBytes)
            await share.pause()
        }
        return hash.finish().hexText
    }

    private func fetchLarge(_ entry: HeldEntry, _ target: String) async throws(Failure) {
        guard let content = entry.named, let layout = BlobLayout(size: entry.size) else { return }
        let mark = Awaited<Bool>()
        defer { partial[ObjectIdentifier(mark)] = nil }
        var (attempt, isOther) = (0, false)
        while true {
            let source = try await source(of: entry, content, target)
            let before = partial[ObjectIdentifier(mark)] ?? 0
            do throws(Failure) {
                let result = try await files.pull(
                    content, layout, from: source, confirmedBy: confirmation(of: content, layout, at: source),
                    isCancelled: isEnding
                ) { bytes in
                    self.partial[ObjectIdentifier(mark)] = bytes
                    self.tell()
                }
                switch result {
                case .given: return
                case .refused: throw .hubBroken("its store does not give it")
                case .different: isOther = true
                }
            } catch {
                guard error.kind != .clientGone, error.kind != .payloadTooLarge else { throw error }
                // A signed URL expires, a store breaks off: as long as bytes come, the file is asked for again.
                attempt = (partial[ObjectIdentifier(mark)] ?? 0) > before ? 1 : attempt + 1
                guard attempt < Self.mostAttempts else { throw error }
                try await pause(min(Self.longestPause, max(error.retryAfter ?? 0, 1 << (attempt - 1))), because: error)
            }
            if isOther { throw .hubBroken("its store has another file than the Hub lists") }
        }
    }

    /// Cached content may have come for another repository, which gives this one no right to it.
    private func confirmation(
        of content: BlobName, _ layout: BlobLayout, at source: FileSource
    ) -> FileConfirmation {
        FileConfirmation(key: ConfirmedAddresses.Key(content, at: source.url)) { samples, done in
            let context = RequestContext(id: .next(), address: "")
            context.principal = self.principal
            StoreConfirmation(source, of: layout.size, samples, context, in: self.files, done: done).start()
        }
    }

    /// Where a store has the file.
    private func source(of entry: HeldEntry, _ content: BlobName, _ target: String) async throws(Failure) -> FileSource
    {
        let request = Request(method: .get, target: try Target(hub: target))
        let answer = try await ask(.head, target, limit: Self.pageBytes)
        let head = Transfer.Head(status: answer.status, headers: answer.headers)
        guard let etag = head.headers["X-Linked-Etag"], BlobName(etag: etag) == content,
            let hop = try FileRedirect(head, of: request, hosts: hub.signedURLs.hosts), hop.linkedSize == entry.size
        else { throw .hubBroken("it does not lead to the file that it lists") }
        return hub.source(of: hop, userAgent: "hubgate/\(Version.number)")
    }

    private func tell() {
        order.bytesDone = min(order.bytes, doneBytes + partial.values.reduce(0, +))
        note(order)
    }
}

extension Failure {
    fileprivate func about(_ path: String) -> Failure {
        Failure(kind, detail: "\(path.shown): \(detail)", retryAfter: retryAfter)
    }
}
