import EventIO
import Glibc

extension FileCache {
    /// Keeps a revision, and notes that `ref` is at it: writes a part in each turn of the loop. Throws what the kernel says; `ENOSPC` where there are as
    /// many as allowed.
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
    /// The prefix of a revision's file while it is being written.
    static let draft = "new-"

    /// Throws where there may be no more revisions.
    func checkRoom(for revision: HeldRevision) throws(FileError) {
        guard unsafe access(path(of: revision.repo, commit: revision.commit), F_OK) != 0 else { return }
        let names = (SystemFiles.list(revisions) ?? []).count { GitNames.isHash($0.suffix(40)) && !$0.contains("@@") }
        guard names < Self.mostRevisions else { throw FileError(ENOSPC) }
    }

    /// Replaces the file of a revision. The sweeper deletes the old one, which may be large.
    fileprivate func put(_ draft: String, asThatOf revision: HeldRevision) throws(FileError) {
        let target = path(of: revision.repo, commit: revision.commit)
        if StoredFile.exchange(draft, target) {
            _ = try discard(draft)
        } else {
            guard unsafe rename(draft, target) == 0 else { throw FileError() }
        }
    }
}
