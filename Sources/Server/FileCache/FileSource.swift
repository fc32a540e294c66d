import EventIO
import Hub

/// Where the bytes of a file are, for a client that has asked the Hub: a signed address, which expires.
@EventLoop
struct FileSource {
    let url: String
    let userAgent: String?
    let limits: Transfer.Limits
    /// Whether another replica may be asked instead of the store. Not for requests of replicas.
    var asksPeers = false
    /// The source to which the store redirects; nil where it does not. Throws where this gateway does not follow.
    let onward: @EventLoop (Transfer.Head) throws(Failure) -> FileSource?
}
