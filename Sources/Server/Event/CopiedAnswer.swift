internal import Hub

/// A whole answer that went out at one exchange and can go out at others.
struct CopiedAnswer: Sendable {
    let status: Status
    let headers: Headers
    /// What the head said of the content's length; to HEAD it is all there is of the content.
    let length: Int?
    var content: [UInt8] = []
}

extension Exchange {
    /// Answers with what another was answered, and `id` in the place of the other's.
    func send(_ answer: CopiedAnswer, id: IDField) {
        start(answer.status, headers: answer.headers, id: id, length: answer.length)
        _ = unsafe answer.content.withUnsafeBufferPointer { unsafe write($0) }
        finish()
    }
}
