import EventIO
import HTTP
import Hub

/// One call to another server for a client, before it is made: its request, and how its response is used.
///
/// A class: it is passed on several times, and each pass copies a reference, not a head and a closure.
@EventLoop
final class RelayedCall {
    private(set) var request: Request
    /// The client's body, where all of it is here before the call is made.
    var body: [UInt8]?
    let url: String
    /// Appended to `url`.
    let target: String
    var credential: Credential?
    let limits: Transfer.Limits
    /// The server, as failures name it.
    let server: UpstreamServer
    /// Whether the client's body is sent.
    let sendsBody: Bool
    /// How long a stream of events may be silent, in milliseconds; 0: for ever.
    let eventSilence: UInt64
    let choose: @EventLoop (Transfer.Head) throws(Failure) -> RelayAction
    /// What answers instead of a server that cannot be asked; nil where nothing does.
    var standIn: (@EventLoop (Failure) -> (@EventLoop @Sendable () -> Void)?)?

    init(
        request: Request, url: String, target: String = "", credential: Credential? = nil, limits: Transfer.Limits,
        server: UpstreamServer, sendsBody: Bool = false, eventSilence: UInt64 = 0,
        choose: @escaping @EventLoop (Transfer.Head) throws(Failure) -> RelayAction
    ) {
        self.request = request
        self.url = url
        self.target = target
        self.credential = credential
        self.limits = limits
        self.server = server
        self.sendsBody = sendsBody
        self.eventSilence = eventSilence
        self.choose = choose
    }

    /// The call is about to be made for a request that is traced.
    func begins(_ trace: RequestTrace) -> CallSpan? {
        trace.begins(&request, at: url, server, isSigned: target.isEmpty)
    }
}

/// What the relay does with a response, decided by its head.
enum RelayAction {
    /// It goes to the client, with this head.
    case pass(Transfer.Head)
    /// It goes to the client with some strings of its JSON rewritten, and the result is checked. `onlyURLs`: the rules are for
    /// strings that are URLs alone.
    case rewrite(Transfer.Head, onlyURLs: Bool, by: @EventLoop () -> (JSONRewriter, URLScanner))
    /// Its content is dropped: the client gets this head, and no content.
    case answer(Transfer.Head)
    /// Its content is dropped: the client gets the response that is kept here.
    case kept
    /// Its content is dropped: this answers the client, in a later turn of the loop.
    case handOver(@EventLoop @Sendable () -> Void)
    /// It is dropped, and another call is made instead.
    case call(RelayedCall)
}
