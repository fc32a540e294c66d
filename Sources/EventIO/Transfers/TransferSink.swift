/// Takes an upstream response's content as it comes.
@EventLoop
package protocol TransferSink: AnyObject {
    /// The response's head is there. Of the transfer only `cancel()` may be called from here.
    func begin(_ head: Transfer.Head)
    /// Returns false to get the bytes later: the transfer pauses, and passes them again after `resume()`.
    /// They are valid during the call only.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool
    /// The last event.
    func end(_ outcome: Result<Void, TransferError>)
}

extension TransferSink {
    /// For sinks whose owner waits for `Transfer.done()`.
    package func end(_ outcome: Result<Void, TransferError>) {}
}

/// Why a call to another server failed, or did not end whole. The texts are phrases: "the name was not found".
package enum TransferError: Error, Sendable, Equatable {
    /// No connection: name, TCP or TLS failed.
    case unreachable(String)
    /// No connection, because of the proxy that leads there.
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
        /// It refuses the credentials, or requires some.
        case credentials
        /// It refuses connections to that server.
        case refused
        /// It could not connect to the server, or its response is invalid.
        case failed
    }
}
