import EventIO
import HTTP
import Hub

/// Files that the file cache has or fetches. The Hub has said that the client may have them: now, or as short a time ago as its responses are fresh.
extension Upstream {
    /// Answers by the Hub's last response. False: the Hub has to be asked.
    func answer(
        from files: FileCache, _ exchange: Exchange, _ context: RequestContext
    ) throws(Failure) -> Bool {
        guard exchange.request.method == .get, !exchange.hasBody,
            let question = files.resolved.question(exchange.request, context),
            let found = files.resolved.fresh(question, exchange.request),
            let answer = try answer(to: exchange, context, by: found.redirect)
        else { return false }
        // Other requests that wait get the same answer.
        context.sink.take()?.fail(nil)
        serve(answer, exchange, context)
        return true
    }

    /// Notes where the Hub redirects to. Returns what answers instead of a Hub that is out of order, if anything can.
    func note(
        _ head: Transfer.Head, _ question: ResolvedFiles.Question, _ exchange: Exchange, _ context: RequestContext
    ) -> RelayAction? {
        let code = head.status.code
        if code >= 500 || code == 429, exchange.request.method == .get {
            let refusal = HubRefusal(status: head.status, headers: head.headers, body: [])
            return standIn(question, exchange, context, instead: .hubAnswered(refusal)).map { .handOver($0) }
        }
        files?.resolved.note(head, for: question, exchange.request)
        return nil
    }

    /// Answers where the Hub cannot be asked: with a file all of which is here, and to which the Hub has led the principal before. If only reading the disk can
    /// tell whether it is here, it may turn out not to be; then the client gets `failure`.
    func standIn(
        _ question: ResolvedFiles.Question, _ exchange: Exchange, _ context: RequestContext, instead failure: Failure
    ) -> (@EventLoop @Sendable () -> Void)? {
        guard let files, let found = files.resolved.standIn(question, exchange.request),
            let answer = try? answer(to: exchange, context, by: found.redirect)
        else { return nil }
        // A pulled file needs no store.
        if !files.isConfirmed(answer), held(exchange, context, body: nil, instead: failure) != nil { return nil }
        let isOpenable = files.isOpenable(answer.name)
        if isOpenable, !files.holds(answer) { return nil }
        return {
            guard !isOpenable else { return self.serve(answer, exchange, context) }
            files.whenOpenable(answer.name) {
                guard files.holds(answer) else { return exchange.fail(failure, context) }
                self.serve(answer, exchange, context)
            }
        }
    }

    /// The step from the Hub to a file, where the file cache takes it; nil where the cache does not apply.
    func kept(
        _ hop: FileRedirect, _ exchange: Exchange, _ context: RequestContext, mayAskAnew: Bool
    ) throws(Failure) -> RelayAction? {
        guard files != nil, exchange.request.method == .get, !exchange.hasBody else { return nil }
        switch try answer(to: exchange, context, by: hop, mayAskAnew: mayAskAnew) {
        case nil: return nil
        case .refused(let head)?: return .answer(head)
        case .file(let answer)?: return .handOver { self.serve(answer, exchange, context) }
        }
    }

    func serve(_ answer: FileAnswer, _ exchange: Exchange, _ context: RequestContext) {
        guard context.allowance != nil else { return serveAtOnce(answer, exchange, context) }
        context.release(answer.range.count, to: exchange) { self.serveAtOnce(answer, exchange, context) }
    }

    private func serveAtOnce(_ answer: FileAnswer, _ exchange: Exchange, _ context: RequestContext) {
        guard let files else { return answer.relay() }
        files.whenOpenable(answer.name) {
            guard !context.isCancelled else { return exchange.fail(.clientGone, context) }
            if files.serve(answer, exchange, context) { return }
            guard let confirmation = answer.confirmation, !files.isFound(answer) else { return answer.relay() }
            // A file of another size is in its place, which makes way for what its store has.
            files.look(for: confirmation) { result in
                guard !context.isCancelled else { return exchange.fail(.clientGone, context) }
                guard result == .given, files.serve(answer, exchange, context) else { return answer.relay() }
            }
        }
    }

    /// Proves that the file at a path is the one that the Hub's redirect names: a client with write access writes its pointer, and the name alone would give
    /// access to content of another repository.
    private func confirmation(
        of name: BlobName, _ size: Int, at source: FileSource, _ context: RequestContext, in files: FileCache
    ) -> FileConfirmation {
        FileConfirmation(key: ConfirmedAddresses.Key(name, at: source.url)) { samples, done in
            StoreConfirmation(source, of: size, samples, context, in: files) { result in
                guard result != .given, let question = HeldQuestion(.get, context.target) else { return done(result) }
                // An administrator has pulled it from there.
                _ = EventLoop.immediateTask { done(await files.held.has(name, question) ? .given : result) }
            }.start()
        }
    }

    private func answer(
        to exchange: Exchange, _ context: RequestContext, by redirect: Transfer.Head
    ) throws(Failure) -> FileAnswer? {
        guard let hop = try FileRedirect(redirect, of: exchange.request, hosts: signedURLs.hosts),
            case .file(let answer)? = try answer(to: exchange, context, by: hop, mayAskAnew: true)
        else { return nil }
        return answer
    }

    private enum Decision {
        case file(FileAnswer)
        /// The file has no such range.
        case refused(Transfer.Head)
    }

    /// Nil for a redirect without SHA-256 and size, and for several ranges at once.
    private func answer(
        to exchange: Exchange, _ context: RequestContext, by hop: FileRedirect, mayAskAnew: Bool
    ) throws(Failure) -> Decision? {
        let request = exchange.request
        guard let etag = hop.redirect.headers["X-Linked-Etag"], let name = BlobName(etag: etag),
            let layout = hop.linkedSize.flatMap({ BlobLayout(size: $0) }), var head = hop.headAnswer
        else { return nil }
        let range: Range<Int>
        switch FileRange(of: request, etag: etag, size: layout.size) {
        case .several: return nil
        case .unsatisfiable:
            head = Transfer.Head(status: .rangeNotSatisfiable, headers: head.headers)
            head.headers.set("Content-Range", "bytes */\(layout.size)")
            head.headers.set("Content-Length", "0")
            try lead(&head, by: rewrite(for: request, context))
            return .refused(head)
        case .whole: range = 0..<layout.size
        case .part(let part):
            range = part
            head = Transfer.Head(status: .partialContent, headers: head.headers)
            head.headers.set("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(layout.size)")
        }
        if !head.headers.contains("Content-Type") { head.headers.append("Content-Type", "application/octet-stream") }
        try lead(&head, by: rewrite(for: request, context))
        if request.looksForLocation { head.headers.set("Location", basePath + context.target.pathAndQuery) }
        var headers = RelayedDocument.headers(of: head)
        context.crossOrigin?.admit(&headers)
        let source = source(of: hop, userAgent: request.headers["User-Agent"])
        return .file(
            FileAnswer(
                name: name, layout: layout, range: range, status: head.status, headers: headers, source: source,
                confirmation: files.map { confirmation(of: name, layout.size, at: source, context, in: $0) }
            ) {
                self.relay(hop, exchange, context, mayAskAnew: mayAskAnew)
            })
    }

    func source(of hop: FileRedirect, userAgent: String?, asksPeers: Bool = true) -> FileSource {
        FileSource(url: hop.url, userAgent: userAgent, limits: limits, asksPeers: asksPeers) { head throws(Failure) in
            try hop.onward(head, hosts: self.signedURLs.hosts).map {
                self.source(of: $0, userAgent: userAgent, asksPeers: asksPeers)
            }
        }
    }

    /// Relays the response without the cache.
    private func relay(_ hop: FileRedirect, _ exchange: Exchange, _ context: RequestContext, mayAskAnew: Bool) {
        do throws(Failure) {
            start(try contentCall(hop, exchange, context, mayAskAnew: mayAskAnew), exchange, context)
        } catch {
            exchange.fail(error.at(.store), context)
        }
    }
}
