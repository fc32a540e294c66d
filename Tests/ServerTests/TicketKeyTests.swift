import CEvent
@testable import HTTP
@testable import Hub
import Testing

@Suite("The keys of session tickets")
struct TicketKeyTests {
    private static func name(_ epoch: Int64, identity: UInt8 = 1) -> [UInt8] {
        let identity = [UInt8](repeating: identity, count: 32)
        return unsafe [UInt8](unsafeUninitializedCapacity: 16) { name, count in
            unsafe ce_ticket_name(identity, epoch, name.baseAddress)
            count = 16
        }
    }

    @Test("An epoch is twelve hours")
    func epoch() {
        #expect(ce_ticket_epoch(0) == 0)
        #expect(ce_ticket_epoch(12 * 3600 - 1) == 0)
        #expect(ce_ticket_epoch(12 * 3600) == 1)
        #expect(ce_ticket_epoch(36 * 3600 + 5) == 3)
    }

    @Test("Each epoch and each certificate has a key of its own, the same whoever asks")
    func names() {
        #expect(Self.name(7) == Self.name(7))
        #expect(Set((0..<100).map { Self.name($0) }).count == 100)
        #expect(Self.name(7) != Self.name(7, identity: 2))
    }
}
