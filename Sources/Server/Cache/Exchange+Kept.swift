import EventIO
import HTTP
import Hub

extension Exchange {
    /// Answers with a response that is kept, or says that the client has it already (RFC 9110 section 13).
    func send(_ kept: CachedResponse, _ context: RequestContext, _ status: CacheStatus) {
        context.cacheStatus = status
        var headers = kept.response.headers
        headers.append("Age", String(kept.age(at: .now)))
        headers.append("Cache-Status", status.field)
        switch Preconditions.outcome(of: request, etag: kept.response.headers["ETag"]) {
        case .answer(let status):
            headers.remove("Content-Length")
            start(status, headers: headers, id: .own(context.id), length: nil)
            finish()
        case .goOn:
            let response = RecordedResponse(
                status: kept.response.status, headers: headers, length: kept.response.length,
                content: kept.response.content)
            guard context.allowance != nil else { return send(response, id: .own(context.id)) }
            context.release(response.content.count, to: self) { self.send(response, id: .own(context.id)) }
        }
    }
}
