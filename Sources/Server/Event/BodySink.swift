internal import Hub

/// Takes a body's bytes as they come.
@EventLoop
protocol BodySink: AnyObject {
    /// Returns false if no more shall come for now. The bytes are valid during the call only.
    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool
    /// The body is complete, or will never be.
    func end(_ failure: Failure?)
}
