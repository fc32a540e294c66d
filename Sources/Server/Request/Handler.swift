import EventIO
import HTTP
import Hub

/// Answers the requests to one endpoint.
@EventLoop
protocol Handler {
    /// Throws instead of answering; nothing of a response has gone out then.
    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply
}

/// What a handler does with a request.
enum Reply {
    /// It is answered with this response.
    case response(Response)
    /// Callbacks answer it from here on, up to the exchange's end.
    case stream
    /// A task answers it, with the response that this returns.
    case pending(@EventLoop @Sendable () async throws(Failure) -> Response)
}

/// Gets a response as it goes out to the client, to keep it or to give it to other requests.
@EventLoop
protocol ResponseSink: AnyObject {
    /// The call is being made.
    func begins()
    /// Whether other requests wait for the response. A client that leaves does not end a call that is wanted.
    var isWanted: Bool { get }
    /// Whether it still takes content. Then the client's pace does not matter.
    var isRecording: Bool { get }
    /// `length`: of the content, if it is known; for HEAD, the length that GET would have.
    func begin(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool)
    func take(_ bytes: UnsafeBufferPointer<UInt8>)
    /// The response is whole.
    func finish()
    /// The request that the response answers for all. Its conditions may be removed: then each client's are evaluated here.
    var asked: Request { get }
    /// Whether each client's conditions are evaluated here.
    var judgesConditions: Bool { get }
    /// Whether the response will be kept, by its head.
    var isKept: Bool { get }
    /// Adds conditions to the request, so that the Hub need not send content that is kept here.
    func prepare(_ headers: inout Headers)
    /// Takes the Hub's head as it came, and its fields as a client would get them. Returns whether the kept response answers instead.
    func replaces(_ head: Transfer.Head, led: Headers) -> Bool
    /// The same where no head came.
    func replaces(_ failure: Failure) -> Bool
    /// Answers all requests that wait, and the client's exchange where it is given, with the kept response.
    func answer(_ exchange: Exchange?, _ context: RequestContext)
    /// There will be no response. `failure` is the reason, where it is the same for all requests.
    func fail(_ failure: Failure?)
    /// The client has left; `stop` is called when no other request waits any more.
    func outlivesClient(_ stop: @escaping @EventLoop () -> Void)
}
