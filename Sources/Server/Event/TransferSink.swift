internal import Hub

/// Takes an upstream answer's content as it comes.
@EventLoop
protocol TransferSink: AnyObject {
    /// The answer's head is there. Nothing of the transfer may be called from here but `cancel()`.
    func begin(_ head: Transfer.Head)
    /// Returns false to leave the bytes for later: the transfer pauses, and they come again after `resume()`.
    /// They are valid during the call only.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool
    /// The last that comes.
    func end(_ outcome: Result<Void, Failure>)
}

extension TransferSink {
    /// For those that are told by `Transfer.done()`.
    func end(_ outcome: Result<Void, Failure>) {}
}
