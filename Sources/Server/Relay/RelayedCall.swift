import EventIO
import HTTP
import Hub

/// One call to another server for a client, before it is made: what is asked, and what becomes of the response.
struct RelayedCall {
    var request: Request
    var url: String
    var credential: Credential?
    var limits: Transfer.Limits
    /// Whom failures name.
    var server: UpstreamServer
    /// Whether the client's body goes along.
    var sendsBody = false
    /// How long a stream of events may be silent, in milliseconds; 0: for ever.
    var eventSilence: UInt64 = 0
    var choose: @EventLoop (Transfer.Head) throws(Failure) -> RelayAction
}

/// What the relay does with a response, decided by its head.
enum RelayAction {
    /// It goes to the client, with this head.
    case pass(Transfer.Head)
    /// It goes to the client with some strings of its JSON rewritten, and what comes of that looked at. `onlyURLs`: no other string can be
    /// concerned than one that is a URL.
    case rewrite(Transfer.Head, onlyURLs: Bool, by: @EventLoop () -> (JSONRewriter, URLScanner))
    /// Its content is dropped: the client gets this head, and no content.
    case answer(Transfer.Head)
    /// Its content is dropped: the client gets what is kept here.
    case kept
    /// It is dropped, and another call follows in its place.
    case call(RelayedCall)
}
