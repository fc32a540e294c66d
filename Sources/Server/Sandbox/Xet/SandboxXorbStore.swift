import Hub

/// All xorbs, of whatever repository: that is how files with parts in common take less to upload.
struct SandboxXorbStore {
    private struct Stored {
        let xorb: SandboxXorb
        /// Seconds since 1970.
        let since: Int64
    }

    private var stored: [String: Stored] = [:]
    /// On the CDN but not in the store yet, by what they were granted as.
    private var waiting: [String: Stored] = [:]
    private(set) var heldBytes = 0

    /// A chunk's place in an array.
    private static let chunkBytes = 40

    subscript(_ hash: String) -> SandboxXorb? { stored[hash]?.xorb }

    mutating func store(_ xorb: SandboxXorb, as hash: String, at time: Int64) {
        guard stored[hash] == nil else { return }
        stored[hash] = Stored(xorb: xorb, since: time)
        heldBytes += Self.size(of: xorb)
    }

    /// Keeps what a client put on the CDN until it says that it did.
    mutating func hold(_ xorb: SandboxXorb, as grant: String, at time: Int64) {
        drop(waiting.updateValue(Stored(xorb: xorb, since: time), forKey: grant))
        heldBytes += Self.size(of: xorb)
    }

    /// False if there is none of that name.
    mutating func release(_ grant: String, as hash: String) -> Bool {
        guard let held = waiting.removeValue(forKey: grant) else { return false }
        drop(stored.updateValue(held, forKey: hash))
        return true
    }

    private mutating func drop(_ old: Stored?) {
        if let old { heldBytes -= Self.size(of: old.xorb) }
    }

    /// Files that were made of them are still there: each repository has the whole content of its own.
    mutating func forget(before time: Int64) {
        for (hash, old) in stored where old.since < time { drop(stored.removeValue(forKey: hash)) }
        for (grant, old) in waiting where old.since < time { drop(waiting.removeValue(forKey: grant)) }
    }

    static func size(of xorb: SandboxXorb) -> Int { xorb.bytes.count + xorb.chunks.count * chunkBytes }

    /// Throws 400 for a xorb or chunks that are not there, and for a term that is not as long as it says.
    func content(of file: SandboxXetFile) throws(SandboxRefusal) -> [UInt8] {
        guard file.unpackedLength <= SandboxFile.longest else {
            throw .badRequest("The sandbox takes files of up to 64 MiB")
        }
        var content: [UInt8] = []
        for term in file.terms {
            guard let xorb = self[term.xorb], term.chunks.upperBound <= xorb.chunks.count,
                xorb.unpackedLength(of: term.chunks) == term.unpackedLength
            else { throw .badRequest("The shard names chunks of xorb \(term.xorb) that are not there") }
            for chunk in xorb.chunks[term.chunks] { content += try xorb.unpack(chunk) }
        }
        return content
    }
}
