import EventIO
import Glibc
import Hub

/// Its blobs: each is hashed before it is taken.
extension HubTreeReading {
    /// Nil: it was left out. `name`: the SHA-256 or git SHA-1 that it must have; nil: any.
    func take(_ place: String, as name: String?) throws(FileError) -> Taken? {
        if let name, let found = known[name] { return found }
        let taken = try read(place, as: name)
        if let name { known[name] = .some(taken) }
        return taken
    }

    private func read(_ place: String, as name: String?) throws(FileError) -> Taken? {
        guard let file = try? StoredFile(tree.path + "/" + place, .read), file.isRegular, let size = file.size else {
            fault(place, "cannot be read")
            return nil
        }
        let isSmall = name.map { GitNames.isHash($0) } ?? (size <= Self.longestGitFile)
        guard !isSmall || size <= Self.longestGitFile else {
            fault(place, "is too large for a file of git")
            return nil
        }
        guard size <= BlobLayout.mostBytes else {
            fault(place, "is too large")
            return nil
        }
        if isSmall { return try readSmall(file, size, place, as: name) }
        // Read twice: once to compute its name, once to copy it.
        guard let digest = unsafe Self.read(file, size, { _ in }).map(\.hexText), let content = BlobName(digest),
            name == nil || name == digest
        else {
            fault(place, "is another file than its name says: its SHA-256 is another")
            return nil
        }
        guard let layout = BlobLayout(size: size) else {
            return Taken(content: nil, size: 0, oid: Self.oid([]), place: .git)
        }
        if !target.isHeld(content) {
            let writer = try BlobWriter(content, layout, in: incoming, generation: 1, now: Int(KeyInput.now))
            var failure: FileError?
            _ = unsafe Self.read(file, size) { bytes in
                guard failure == nil else { return }
                do throws(FileError) { try unsafe writer.add(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
            guard try writer.finish() else {
                fault(place, "was changed while it was read")
                return nil
            }
            try moveIn(content)
        }
        let pointer = GitNames.pointer(content, size: size)
        return Taken(content: content, size: size, oid: Self.oid(pointer), place: .store)
    }

    private func readSmall(_ file: StoredFile, _ size: Int, _ place: String, as name: String?) throws(FileError)
        -> Taken?
    {
        var bytes: [UInt8] = []
        let digest = unsafe Self.read(file, size) { unsafe bytes.append(contentsOf: $0) }
        let oid = Self.oid(bytes)
        guard let digest, name == nil || name == oid else {
            fault(place, "is another file than its name says: git names it by another hash")
            return nil
        }
        guard let content = BlobName(digest.hexText), let layout = BlobLayout(size: size) else {
            return Taken(content: nil, size: 0, oid: oid, place: .git)
        }
        if !target.isHeld(content) {
            let writer = try BlobWriter(content, layout, in: incoming, generation: 1, now: Int(KeyInput.now))
            var failure: FileError?
            unsafe bytes.withUnsafeBufferPointer { bytes in
                do throws(FileError) { try unsafe writer.add(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
            guard try writer.finish() else { throw FileError(EIO) }
            try moveIn(content)
        }
        return Taken(content: content, size: size, oid: oid, place: .git)
    }

    /// Moves a blob from the import to where the cache finds it.
    private func moveIn(_ name: BlobName) throws(FileError) {
        let path = target.path(of: name, isComplete: true)
        target.give(incoming.path(of: name, isComplete: true))
        guard unsafe rename(incoming.path(of: name, isComplete: true), path) == 0 else { throw FileError() }
    }

    /// The file's SHA-256; nil where it cannot be read, or its size has changed.
    private static func read(
        _ file: StoredFile, _ size: Int, _ take: (UnsafeBufferPointer<UInt8>) -> Void
    ) -> [UInt8]? {
        let (buffer, hash) = (FileBuffer(capacity: 1 << 20), IncrementalSHA256())
        var position = 0
        while case .bytes(let count) = file.readWaiting(into: buffer, at: position, count: buffer.capacity), count > 0 {
            unsafe hash.add(buffer.bytes)
            unsafe take(buffer.bytes)
            position += count
        }
        return position == size ? hash.finish() : nil
    }

    private static func oid(_ bytes: [UInt8]) -> String {
        MessageDigest.sha1(Array("blob \(bytes.count)\0".utf8) + bytes).hexText
    }
}
