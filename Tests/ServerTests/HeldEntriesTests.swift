import EventIO
import Hub
import Testing

@testable import Server

@Suite("Entries of a revision", .live)
struct HeldEntriesTests {
    private static let oid = String(repeating: "b", count: 40)

    private static func entries(_ count: Int) -> [HeldEntry] {
        (0..<count).map {
            // Neither in order nor in the reverse of it.
            HeldEntry(
                path: "é/\($0 &* 7919 % 10_007)/\($0)", size: $0, oid: oid, place: .git,
                content: BlobName(String(repeating: "c", count: 64)))
        }
    }

    @Test("Entries are sorted in turns as at once", arguments: [0, 1, 2, 255, 256, 257, 1000, 5000])
    @EventLoop func entriesAreSortedInTurnsAsAtOnce(count: Int) async {
        let all = Self.entries(count)
        var (found, share) = (HeldEntries(), TurnShare())
        for entry in all { found.append(entry) }
        await found.sort(&share)
        #expect(found == HeldEntries(all))
        #expect(Array(found) == all.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) })
        #expect(!found.indices.contains { found.isTwin(at: $0) })
    }

    @Test("Twins are found wherever they were listed") @EventLoop func twinsAreFoundWhereverTheyWereListed() async {
        for place in [0, 1, 300, 999] {
            var (found, share) = (HeldEntries(), TurnShare())
            let all = Self.entries(1000)
            for entry in all + [all[place]] { found.append(entry) }
            await found.sort(&share)
            #expect(found.indices.filter { found.isTwin(at: $0) }.count == 1)
        }
    }

    @Test("A large revision is written in parts as at once") func aLargeRevisionIsWrittenInPartsAsAtOnce() throws {
        let revision = HeldRevision(
            RepoKey(.model, try RepoID("acme/m")), commit: String(repeating: "a", count: 40), isOpen: true, taken: 7,
            info: [UInt8](repeating: 1, count: 600_000), entries: HeldEntries(Self.entries(2000)))
        var (writing, parts): (HeldRevisionWriting, [[UInt8]]) = (HeldRevisionWriting(revision), [])
        while let part = writing.next() { parts.append(part) }
        #expect(parts.count > 6 && parts.allSatisfy { $0.count <= 300_000 })
        #expect(HeldRevision(Array(parts.joined())) == revision)
    }

    @Test(
        "Hashes are read back",
        arguments: ["0123456789abcdef0123456789abcdef01234567", String(repeating: "f", count: 40)])
    func hashesAreReadBack(hex: String) {
        #expect(GitHash(hex)?.hex == hex)
        #expect(
            GitHash(hex + "0") == nil
                && GitHash(hex.uppercased() == hex ? "g" + hex.dropFirst() : hex.uppercased()) == nil)
        let name = hex + String(hex.prefix(24))
        #expect(BlobName(name)?.hex == name && BlobName(name)?.part == Int(hex.prefix(2), radix: 16))
    }

    @Test("SHA-1 in parts is that of all") func sha1InPartsIsThatOfAll() {
        let (hash, all) = (IncrementalSHA1(), [UInt8]("blob 5\0hello".utf8))
        for byte in all { unsafe [byte].withUnsafeBufferPointer { unsafe hash.add($0) } }
        #expect(hash.finish().hexText == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0")
        #expect(hash.finish().hexText == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }
}
