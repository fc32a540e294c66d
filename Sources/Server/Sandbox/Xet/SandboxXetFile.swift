/// How the content of a file is put together from chunks of xorbs.
struct SandboxXetFile: Sendable, Equatable {
    struct Term: Sendable, Equatable {
        /// The hash of the xorb.
        let xorb: String
        /// Which of its chunks.
        let chunks: Range<Int>
        /// In bytes.
        let unpackedLength: Int
    }

    /// What Xet knows it by.
    let hash: String
    /// What LFS knows it by.
    let sha256: String
    /// Empty where it came in another way than by Xet.
    let terms: [Term]

    /// In bytes.
    var unpackedLength: Int { terms.reduce(0) { $0 + $1.unpackedLength } }

    /// Of a file that came by Xet.
    init(hash: String, sha256: String, terms: [Term]) {
        self.hash = hash
        self.sha256 = sha256
        self.terms = terms
    }

    /// Of a file that came by LFS. Xet's own hash would take BLAKE3 and its way to cut chunks, and no client looks.
    init(lfs sha256: String) {
        self.init(hash: SandboxRepo.hex(64, seed: "xet file \(sha256)"), sha256: sha256, terms: [])
    }

    /// For the xorb that holds all of such a file, and nothing else.
    static func xorbHash(of sha256: String) -> String { SandboxRepo.hex(64, seed: "xorb \(sha256)") }

    /// Whether it can be a hash, as Xet writes it in text.
    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
