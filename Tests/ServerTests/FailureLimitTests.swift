@testable import EventIO
@testable import Server
import Testing

@Suite(.live)
struct FailureLimitTests {
    @Test("Addresses of one /64 are one client for what goes wrong at a worker")
    @EventLoop
    func networks() {
        let limit = FailureLimit(most: 2, milliseconds: 60_000)
        limit.note("2001:db8::1")
        limit.note("2001:db8::2")
        limit.note("192.0.2.1")
        #expect(limit.wait("2001:db8::3") != nil && limit.wait("2001:db8:0:1::1") == nil)
        #expect(limit.wait("192.0.2.1") == nil)
    }
}
