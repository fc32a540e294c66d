import EventIO
import Glibc

extension FileCache {
    /// Keeps a revision, and that `ref` is at it: written a part in each turn of the loop. Throws what the kernel says; `ENOSPC` where there are as many
    /// as may be.
    func keep(_ revision: HeldRevision, as ref: String) async throws(FileError) {
        try directory.checkRoom(for: revision)
        var share = TurnShare()
        let draft = "\(directory.revisions)/\(CacheDirectory.draft)\(UInt64.random(in: 0 ... .max))"
        do throws(FileError) {
            let file = try StoredFile(draft, .create)
            var (writing, position) = (HeldRevisionWriting(revision), 0)
            while let part = writing.next() {
                try file.write(part, at: position)
                file.startWriting(at: position, count: part.count)
                position += part.count
                await share.pause()
            }
            try directory.put(draft, asThatOf: revision)
        } catch {
            unsafe unlink(draft)
            throw error
        }
        try directory.note(revision, at: ref)
        held.forgetHeads()
    }
}

extension CacheDirectory {
    /// What the name of a revision's file begins with as long as it is written.
    static let draft = "new-"

    /// Whether there may be one more.
    func checkRoom(for revision: HeldRevision) throws(FileError) {
        guard unsafe access(path(of: revision.repo, commit: revision.commit), F_OK) != 0 else { return }
        let names = (SystemFiles.list(revisions) ?? []).count { GitNames.isHash($0.suffix(40)) && !$0.contains("@@") }
        guard names < Self.mostRevisions else { throw FileError(ENOSPC) }
    }

    /// Puts a file in the place of what is there, which is deleted by the process that makes room: it may be large.
    fileprivate func put(_ draft: String, asThatOf revision: HeldRevision) throws(FileError) {
        let target = path(of: revision.repo, commit: revision.commit)
        if StoredFile.exchange(draft, target) {
            _ = try discard(draft)
        } else {
            guard unsafe rename(draft, target) == 0 else { throw FileError() }
        }
    }
}
