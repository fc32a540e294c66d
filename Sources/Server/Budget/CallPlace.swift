import EventIO

/// A call's place among those under way, for its caller. It is given back once, by `end`.
@EventLoop
struct CallPlace: Sendable {
    private let admission: CallAdmission
    private let ticket: CallLedger.Ticket

    init(_ ticket: CallLedger.Ticket, in admission: CallAdmission) {
        self.ticket = ticket
        self.admission = admission
    }

    /// The call has ended.
    func end() { admission.end(ticket) }

    /// It can do nothing before its client has read what there is: others may have its place.
    func waitsForClient() { admission.waitsForClient(ticket) }

    /// The client has read, and the call goes on, whether there is room or not.
    func goesOn() { admission.goesOn(ticket) }

    /// A piece of the request's body has come. `isHeldBack`: it is the other side that takes no more.
    func received(isHeldBack: Bool) { admission.received(ticket, isHeldBack: isHeldBack) }

    /// The request's body has ended: no more is waited for.
    func receivedAll() { admission.receivedAll(ticket) }
}
