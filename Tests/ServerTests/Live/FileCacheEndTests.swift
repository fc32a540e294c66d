@testable import EventIO
import Foundation
@testable import Server
import Testing

@Suite("The end of a file cache", .live)
struct FileCacheEndTests {
    @EventLoop
    private final class Seen {
        weak var files: FileCache?
    }

    @Test("A file that is open when the gateway ends keeps nothing alive: it refers to its cache, which refers to it")
    @EventLoop func anOpenFileKeepsNothingAlive() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/hubgate-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try CacheDirectory(path: path).make()
        let name = try #require(BlobName(String(repeating: "a", count: 64)))
        let layout = try #require(BlobLayout(size: 9))
        let seen = Seen()
        try await withSandbox({ $0.cacheDirectory = path }) { gateway, _ in
            let files = try #require(gateway.server.state.files)
            let blob = try #require(files.open(name, layout))
            // As one that waits for it.
            blob.pulls.append(BlobPull())
            seen.files = files
        }
        // What was queued when it ended has its turn first.
        for _ in 0..<500 where seen.files != nil { await EventLoop.sleep(milliseconds: 10) }
        #expect(seen.files == nil)
    }
}
