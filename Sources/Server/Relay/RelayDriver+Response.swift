import EventIO
import HTTP
import Hub

/// The response: the action that its head leads to, and its content.
extension RelayDriver {
    func begin(_ head: Transfer.Head) {
        if asksAgain(head) { return leadsOn(to: call) }
        do throws(Failure) {
            switch try call.choose(head) {
            case .pass(let head):
                try count(head)
                missingBytes = head.contentLength
                start(head)
            case .rewrite(let head, let onlyURLs, let make):
                try count(head)
                beginRewriting(head, onlyURLs, make)
            case .answer(let head):
                missingBytes = head.contentLength
                start(head)
                serve()
            case .kept:
                answerWithKept()
                dropContent()
            case .handOver(let answer):
                handOver(to: answer)
                dropContent()
            case .call(let next):
                leadsOn(to: next)
            }
        } catch {
            giveUp(error)
        }
    }

    private func beginRewriting(
        _ head: Transfer.Head, _ onlyURLs: Bool, _ make: @escaping @EventLoop () -> (JSONRewriter, URLScanner)
    ) {
        guard exchange.request.method != .head else {
            // Both fields describe the bytes as the Hub sends them.
            var head = head
            head.headers.remove("Content-Length")
            head.headers.remove("ETag")
            return start(head)
        }
        makeRewriter = make
        self.onlyURLs = onlyURLs
        waitingHead = head
    }

    /// Whether the head goes out by itself, before there is content. Not while a rewriter may still find a fault: as
    /// long as nothing has gone out, the client can be told of it.
    private var sendsHeadAtOnce: Bool { rewriter == nil && makeRewriter == nil }

    func giveUp(_ failure: Failure) {
        self.failure = failure
        isDropped = true
        transfer?.cancel()
    }

    /// `hasContent`: its content follows at once, and the two go out together.
    func start(_ head: Transfer.Head, hasContent: Bool = false) {
        var headers = RelayedDocument.headers(of: head)
        context.crossOrigin?.admit(&headers)
        context.change?.apply()
        context.sink?.begin(head.status, headers, length: missingBytes, isHead: exchange.request.method == .head)
        if let status = context.cacheStatus {
            headers.append("Cache-Status", status.field(isStored: context.sink?.isKept ?? false))
        }
        if !isDetached { answer(head.status, headers) }
        if isUnwanted { return serve() }
        // A body that is still coming goes on to the Hub first, which may answer early and want all of it.
        guard isDetached || exchange.takesContent || exchange.hasBody else { return serve() }
        // Requests that wait and may not have the response do not need its content.
        if let sink = context.sink, !sink.isRecording, !sink.isWanted { context.sink = nil }
        if context.sink == nil { transfer?.flows(to: exchange) }
        if call.eventSilence > 0, missingBytes == nil {
            keepAlive = .of(head, on: exchange, after: call.eventSilence)
        }
        if sendsHeadAtOnce, !hasContent {
            EventLoop.post { self.exchange.flushHead() }
        }
    }

    /// Begins the client's response. If the client has the content already it is told so, and the rest is for others.
    private func answer(_ status: Status, _ headers: Headers) {
        guard context.sink?.judgesConditions == true, let unmet = exchange.unmetCondition(status, headers) else {
            return exchange.start(status, headers: headers, id: .beside(context.id), length: missingBytes)
        }
        isDetached = true
        noteTime()
        exchange.answer(unmet: unmet, headers, id: .beside(context.id))
    }

    /// The client needs no more of the response, no other request waits for it, and it is not kept.
    private var isUnwanted: Bool { isDetached && context.sink?.isRecording != true && context.sink?.isWanted != true }

    /// Otherwise a response that has become too large to be kept would go on for as long as the other side sends.
    private func dropIfUnwanted() {
        guard isUnwanted, !isDropped else { return }
        isFinished = true
        noteTime()
        dropContent()
    }

    /// The client's response is whole without content. What the other side may still send is not fetched.
    private func serve() {
        finish()
        dropContent()
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard !isDropped else {
            remainder?.take(bytes.count)
            return true
        }
        guard hasRoom else {
            place?.waitsForClient()
            return false
        }
        if let make = makeRewriter.take() { unsafe decide(on: bytes, make) }
        if rewriter != nil { return unsafe takeRewritten(bytes) }
        guard unsafe writePieces(bytes) else {
            place?.waitsForClient()
            return false
        }
        if let missing = missingBytes {
            missingBytes = missing - bytes.count
            // With its last byte the response is whole to the client, which may leave at once: that must not look like a cut.
            if missing == bytes.count {
                finish()
                return true
            }
        }
        // Otherwise as much again would be read, only to be held.
        if !hasRoom {
            place?.waitsForClient()
            transfer?.pause()
        }
        return true
    }

    /// Whether more may be written. Other requests that wait do not wait for this client: as much as is recorded may wait for it.
    var hasRoom: Bool {
        if let allowance = context.allowance, !isDetached, !allowance.isOpen { return false }
        if isDetached || exchange.queuedBytes < Self.highMark { return true }
        return context.sink.map { $0.isWanted && $0.isRecording } ?? false
    }

    /// Most responses come in one piece and contain nothing that could be a URL: those go out unchanged.
    private func decide(
        on bytes: UnsafeBufferPointer<UInt8>, _ make: @EventLoop () -> (JSONRewriter, URLScanner)
    ) {
        if onlyURLs, let head = waitingHead, head.contentLength == bytes.count, !URLText.mayBe(in: unsafe bytes.span) {
            waitingHead = nil
            missingBytes = bytes.count
            start(head, hasContent: true)
        } else {
            (rewriter, scanner) = make()
        }
    }

    /// Writes as much as there is room for. False: the bytes have to be passed again, since some are left.
    private func writePieces(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard takenBytes < bytes.count else {
            // They are passed again in smaller pieces.
            takenBytes -= bytes.count
            return true
        }
        let most = missingBytes == nil ? Self.pieceBytes : Self.barePieceBytes
        var start = takenBytes
        while start < bytes.count {
            guard hasRoom else {
                takenBytes = start
                return false
            }
            let end = min(start + most, bytes.count)
            unsafe write(UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        takenBytes = 0
        return true
    }

    func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        // Each byte may be the one that reports success: a push goes on long after its head.
        context.change?.apply()
        guard isAllowed(bytes.count) else { return }
        unsafe context.sink?.take(bytes)
        unsafe context.usageReader?.take(bytes)
        if isDetached { return dropIfUnwanted() }
        _ = unsafe exchange.write(bytes)
        unsafe keepAlive?.note(bytes)
    }

    /// Answers with the kept response, which is whole, instead of the call's.
    func answerWithKept() {
        isFinished = true
        noteTime()
        context.sink?.answer(isDetached ? nil : exchange, context)
    }

    /// `answer` responds to the client from here on. Other requests that wait make calls of their own.
    func handOver(to answer: @escaping @EventLoop @Sendable () -> Void) {
        (isDetached, isFinished) = (true, true)
        noteTime()
        context.sink.take()?.fail(nil)
        EventLoop.post(answer)
    }

    /// The response is whole.
    func finish() {
        guard !isDropped, !isFinished else { return }
        do throws(Failure) {
            let tail = try rewrittenTail()
            startRewritten(length: tail.count)
            // An empty write would look like the end of a chunked response.
            if !tail.isEmpty { unsafe tail.withUnsafeBufferPointer { unsafe write($0) } }
        } catch {
            return giveUp(error)
        }
        isFinished = true
        noteTime()
        context.change?.apply()
        context.sink?.finish()
        if !isDetached { exchange.finish() }
    }
}
