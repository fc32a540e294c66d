import EventIO
import Hub

/// Where the bytes of a file are, for who has asked the Hub: an address that is signed, and ends.
@EventLoop
struct FileSource {
    let url: String
    let userAgent: String?
    let limits: Transfer.Limits
    /// Whether another replica may be asked in the place of the store. Of what replicas ask here that is not so.
    var asksPeers = false
    /// Where the store leads on to; nil where it does not. Throws for where this gateway does not go.
    let onward: @EventLoop (Transfer.Head) throws(Failure) -> FileSource?
}
