import EventIO
import HTTP
import Hub

/// The cost of a response to its key.
extension RelayDriver {
    /// Takes the response's content from the key's limits, and looks for the number of tokens in a model's response.
    func count(_ head: Transfer.Head) throws(Failure) {
        guard context.spender != nil else { return }
        if call.server == .inferenceRouter, head.status.isSuccess, !head.headers.contains("Content-Encoding") {
            switch head.headers.mediaType {
            case "text/event-stream": context.usageReader = ModelUsageReader(isStream: true)
            case "application/json": context.usageReader = ModelUsageReader(isStream: false)
            default: break
            }
        }
        guard let allowance = context.allowance, !isDetached else { return }
        let hasContent = exchange.request.method != .head && head.status.allowsContent
        do throws(Failure) {
            try allowance.begins(content: hasContent ? head.contentLength : 0)
        } catch {
            isOverLimit = true
            throw error
        }
        resumeWhenOpen(allowance)
    }

    /// Whether the key may have so many more bytes: of a response without a length, or one that has become longer here. If not, it ends here.
    func isAllowed(_ count: Int) -> Bool {
        guard let allowance = context.allowance, !isDetached else { return true }
        guard !isOverLimit else { return false }
        if let failure = allowance.refuses(content: exchange.sentBytes + count) {
            isOverLimit = true
            giveUp(failure)
            return false
        }
        resumeWhenOpen(allowance)
        return true
    }

    private func resumeWhenOpen(_ allowance: any RequestAllowance) {
        guard !allowance.isOpen else { return }
        allowance.whenOpen { [weak self] failure in
            guard let self else { return }
            if let failure {
                self.isOverLimit = true
                self.giveUp(failure)
            } else {
                self.place?.goesOn()
                self.transfer?.resume()
            }
        }
    }
}
