import EventIO
import HTTP
import Hub

/// Answers the requests to one endpoint.
@EventLoop
protocol Handler {
    /// Throws why it does not answer; then nothing of a response has gone out.
    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply
}

/// What a handler does with a request.
enum Reply {
    /// It is answered with this.
    case response(Response)
    /// It is answered from here on by callbacks, and at its end the exchange is too.
    case stream
    /// It is answered with what comes of this, in a task.
    case pending(@EventLoop @Sendable () async throws(Failure) -> Response)
}

/// Gets a response as it goes out to the client, to keep it or to give it to others.
@EventLoop
protocol ResponseSink: AnyObject {
    /// The call is made.
    func begins()
    /// Whether others than the client wait for the response. A client that leaves does not end a call that is wanted.
    var isWanted: Bool { get }
    /// Whether it still takes content. How fast the client takes it does not matter then.
    var isRecording: Bool { get }
    /// `length` is that of the content, if it is known; to HEAD, what GET would be told.
    func begin(_ status: Status, _ headers: Headers, length: Int?, isHead: Bool)
    func take(_ bytes: UnsafeBufferPointer<UInt8>)
    /// The response is whole.
    func finish()
    /// The request whose response all get. Its conditions may be missing: then each is judged here.
    var asked: Request { get }
    /// Whether the conditions of each who gets the response are judged here.
    var judgesConditions: Bool { get }
    /// Whether the response is kept, as far as its head says.
    var isKept: Bool { get }
    /// Adds to the request's fields what spares the Hub a response that is kept here.
    func prepare(_ headers: inout Headers)
    /// The Hub's head, as it came, and its fields as a client would get them. Whether a response that is kept takes the place of this one.
    func replaces(_ head: Transfer.Head, led: Headers) -> Bool
    /// The same where no head came.
    func replaces(_ failure: Failure) -> Bool
    /// Answers all who wait, and the client's exchange where it is given, with what is kept.
    func answer(_ exchange: Exchange?, _ context: RequestContext)
    /// It never will be. `failure` is why, where that is the same for all who ask.
    func fail(_ failure: Failure?)
    /// The client has left; `stop` is called when the other waiters have left too.
    func outlivesClient(_ stop: @escaping @EventLoop () -> Void)
}
