import EventIO
import HTTP
import Hub

extension Exchange {
    /// Answers with a response that is kept, or says that the client has it already (RFC 9110 section 13).
    func send(_ kept: CachedResponse, _ context: RequestContext, _ status: CacheStatus) {
        context.cacheStatus = status
        var response = kept.response
        response.headers.append("Age", String(kept.age(at: .now)))
        response.headers.append("Cache-Status", status.field())
        guard context.allowance != nil else { return answer(response, context, id: .own(context.id)) }
        let length = unmetCondition(response.status, response.headers) == nil ? response.content.count : 0
        context.release(length, to: self) { self.answer(response, context, id: .own(context.id)) }
    }

    /// Answers with the response to an identical request of another client, whatever its conditions.
    func send(shared response: RecordedResponse, _ context: RequestContext, isConditional: Bool) {
        var response = response
        if context.cacheStatus != nil {
            context.cacheStatus = .collapsed
            response.headers.append("Cache-Status", CacheStatus.collapsed.field())
        }
        let id = IDField.beside(context.id)
        if isConditional { answer(response, context, id: id) } else { send(response, context, id: id) }
    }

    private func answer(_ response: RecordedResponse, _ context: RequestContext, id: IDField) {
        guard let status = unmetCondition(response.status, response.headers) else {
            return send(response, context, id: id)
        }
        answer(unmet: status, response.headers, id: id)
    }

    /// The status of a condition that is not met; nil where there is no condition, or it is met.
    func unmetCondition(_ status: Status, _ headers: Headers) -> Status? {
        guard status == .ok,
            case .answer(let status) = Preconditions.outcome(
                of: request, etag: headers["ETag"], lastModified: headers["Last-Modified"])
        else { return nil }
        return status
    }

    /// 304: the client has it.
    func answer(unmet status: Status, _ headers: Headers, id: IDField) {
        var headers = headers
        headers.remove("Content-Length")
        start(status, headers: headers, id: id, length: nil)
        finish()
    }
}
