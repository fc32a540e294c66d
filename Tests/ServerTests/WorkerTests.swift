@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite("Workers")
struct WorkerTests {
    @Test("After a long life the successor comes at once, after young deaths later and later, up to ten seconds")
    func delays() {
        var delay = RestartDelay()
        #expect(
            (0..<10).map { _ in delay.next(lived: 5) } == [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
        #expect(delay.next(lived: 9_999) == 10_000)
        #expect(delay.next(lived: 10_000) == 0)
        #expect(delay.next(lived: 9_999) == 100)
        for _ in 0..<100 { #expect(delay.next(lived: 0) <= 10_000) }
    }

    @Test(
        "auto is the processors that it may run on, and no more than its quota has time for",
        arguments: [
            (8, nil, 8), (1, nil, 1), (8, 2, 2), (8, 1.5, 2), (8, 0.1, 1), (2, 64, 2), (0, nil, 1),
        ] as [(Int, Double?, Int)])
    func processors(allowed: Int, quota: Double?, count: Int) {
        #expect(Processors.count(allowed: allowed, quota: quota) == count)
    }

    @Test(
        "A control group's quota is read as the kernel writes it",
        arguments: [
            ("150000 100000\n", 1.5), ("max 100000\n", nil), ("50000 100000", 0.5), ("", nil), ("0 100000", nil),
            ("100000 0", nil), ("100000", nil),
        ] as [(String, Double?)])
    func quota(text: String, quota: Double?) {
        #expect(Processors.quota(cpuMax: text) == quota)
    }

    @Test("Of the control groups the one of version 2 is taken")
    func group() {
        #expect(Processors.group("12:cpu:/old\n0::/system.slice/hubgate.service\n") == "/system.slice/hubgate.service")
        #expect(Processors.group("0::/\n") == "/")
        #expect(Processors.group("1:cpu:/\n") == nil)
    }

    @Test("This machine has a processor for the tests")
    func here() {
        #expect(Processors.count >= 1)
    }

    @Test("auto has bounds")
    func bounds() {
        #expect(WorkerCount.auto.resolved(processors: 4) == 4)
        #expect(WorkerCount.auto.resolved(processors: 0) == 1)
        #expect(WorkerCount.auto.resolved(processors: 1024) == WorkerCount.most)
        #expect(WorkerCount.fixed(3).resolved(processors: 64) == 3)
    }

    @Test("A sandbox's site goes through a pipe as it is")
    func site() throws {
        let site = SandboxSite(
            hub: "https://localhost:1", cdn: "https://127.0.0.1:2", cas: "https://127.0.0.1:3",
            authority: "-----\nAAAA\n-----\n")
        let read = try #require(SandboxSite(bytes: site.bytes))
        #expect(
            read.hub == site.hub && read.cdn == site.cdn && read.cas == site.cas && read.authority == site.authority)
        #expect(SandboxSite(bytes: []) == nil)
        #expect(SandboxSite(bytes: Array("https://localhost:1\n".utf8)) == nil)
    }

    @Test(
        "A write to the log ends with a line, as far as lines are not longer than one",
        arguments: [
            ([10, 20], 32), ([4095], 4096), ([4096], 4096), ([4000, 94], 4096), ([4000, 95], 4001), ([9000], 4096),
            ([], 0),
        ])
    func writes(lines: [Int], end: Int) {
        let waiting = lines.flatMap { [UInt8](repeating: 0x61, count: $0) + [0x0a] }
        #expect(unsafe waiting.withUnsafeBufferPointer { unsafe LogWriter.lengthOfWrite($0) } == end)
    }
}
