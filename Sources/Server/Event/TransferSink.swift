internal import Hub

/// Takes an upstream answer's content as it comes.
@EventLoop
protocol TransferSink: AnyObject {
    /// The answer's head is there. Nothing of libcurl may be called from here but `cancel()`.
    func begin(_ head: Transfer.Head)
    /// Returns false to leave the bytes for later: the transfer pauses, and they come again after `resume()`.
    /// They are valid during the call only.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool
}
