/// Takes an upstream response's content as it comes.
@EventLoop
package protocol TransferSink: AnyObject {
    /// The response's head is there. Nothing of the transfer may be called from here but `cancel()`.
    func begin(_ head: Transfer.Head)
    /// Returns false to leave the bytes for later: the transfer pauses, and they come again after `resume()`.
    /// They are valid during the call only.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool
    /// The last that comes.
    func end(_ outcome: Result<Void, TransferError>)
}

extension TransferSink {
    /// For those that are told by `Transfer.done()`.
    package func end(_ outcome: Result<Void, TransferError>) {}
}

/// Why a call to another server did not end whole. The texts are phrases: "the name was not found".
package enum TransferError: Error, Sendable, Equatable {
    /// No connection: name, TCP or TLS failed.
    case unreachable(String)
    /// No connection, by the fault of the proxy that leads there.
    case proxy(ProxyFault, String)
    /// A time limit has passed.
    case tooSlow(String)
    /// The server broke HTTP, or the content was cut off.
    case broken(String)
    /// The caller has ended the call.
    case cancelled
    /// The pool is closing: no call begins.
    case closing

    package enum ProxyFault: Sendable {
        /// No name, no route, no connection.
        case unreachable
        /// It does not take the credentials, or wants some.
        case credentials
        /// It refuses connections to that server.
        case refused
        /// It could not connect to the server itself, or what it answers is no answer.
        case failed
    }
}
