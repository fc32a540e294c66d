import EventIO
import Glibc
import Hub

/// A repository in the tree of huggingface_hub's cache: `blobs` by their ETags, `snapshots` of links to them, `refs`; and in `.hubgate`
/// what only a gateway needs.
struct HubTree {
    let root: String
    let repo: RepoKey

    struct Outcome {
        var written = 0
        /// Files that are not in the cache.
        var absent = 0
        /// Files whose content does not match their names.
        var wrong: [String] = []
    }

    var path: String { root + "/" + repo.folder }
    func hidden(_ commit: String) -> String { "\(path)/.hubgate/\(commit)" }

    /// All names but `.` and `..`; nil where the directory cannot be read, or is a link, unless that is `followed`.
    static func names(in directory: String, followed: Bool = false) -> [String]? {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followed ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else { return nil }
        guard let stream = unsafe fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    // MARK: writing

    func write(_ revision: HeldRevision, ref: String, from source: CacheDirectory) throws(FileError) -> Outcome {
        for name in ["", "/blobs", "/snapshots", "/refs", "/.hubgate"] { try make(path + name) }
        var outcome = Outcome()
        let snapshot = "\(path)/snapshots/\(revision.commit)"
        try make(snapshot)
        for entry in revision.files {
            let name = entry.isInStore ? entry.named?.hex ?? "" : entry.oid
            let blob = "\(path)/blobs/\(name)"
            if unsafe access(blob, F_OK) != 0 {
                switch try copy(entry, to: blob, from: source) {
                case nil:
                    outcome.absent += 1
                    continue
                case false?:
                    outcome.wrong.append(entry.path)
                    continue
                case true?: break
                }
            }
            var folder = snapshot
            let parts = entry.path.split(separator: "/").map(String.init)
            for part in parts.dropLast() {
                folder += "/" + part
                try make(folder)
            }
            let up = String(repeating: "../", count: parts.count + 1)
            let link = snapshot + "/" + entry.path
            guard unsafe symlink("\(up)blobs/\(name)", link) == 0 || errno == EEXIST else { throw FileError() }
            outcome.written += 1
        }
        if !GitNames.isHash(ref) {
            var folder = path + "/refs"
            for part in ref.split(separator: "/").dropLast() {
                folder += "/" + part
                try make(folder)
            }
            try source.replace("\(path)/refs/\(ref)", with: Array(revision.commit.utf8))
        }
        try source.replace(hidden(revision.commit), with: revision.bytes)
        return outcome
    }

    /// Nil: it is not in the cache. False: its content does not match its name.
    private func copy(_ entry: HeldEntry, to path: String, from source: CacheDirectory) throws(FileError) -> Bool? {
        let new = path + ".new"
        unsafe unlink(new)
        let file = try StoredFile(new, .create)
        let hash = IncrementalSHA256()
        if entry.size > 0 {
            guard let content = entry.content,
                let blob = try? BlobFile(existing: content, isComplete: true, in: source, access: .read)
            else {
                unsafe unlink(new)
                return nil
            }
            let buffer = FileBuffer(capacity: 1 << 20)
            var position = 0
            while position < blob.layout.size,
                case .bytes(let count) = blob.readWaiting(into: buffer, at: position, count: buffer.capacity), count > 0
            {
                unsafe hash.add(buffer.bytes)
                try unsafe file.write(buffer.bytes, at: position)
                position += count
            }
            guard content.isOf(hash.finish()), position == entry.size else {
                unsafe unlink(new)
                return false
            }
        }
        guard unsafe rename(new, path) == 0 else { throw FileError() }
        return true
    }

    private func make(_ directory: String) throws(FileError) {
        guard unsafe mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw FileError() }
    }
}
