import EventIO
import HTTP
import Hub

/// Serves signed URLs of objects that the Hub has named by SHA-256 and size, as it does for Git LFS, from the file cache.
extension Upstream {
    /// Answers from here on. False: the store has to be asked. `carry` asks it, as long as nothing has gone out.
    ///
    /// The right to it is the Hub's answer that had the URL, and that the store gives it out there (`FileConfirmation`): a Hub may sign a URL of its
    /// repository for whatever a client has asked. It lasts as long as the URL itself. The size may be what the client has told the Hub, too.
    func answer(
        _ signed: SignedURLCodec.Opened, _ exchange: Exchange, _ context: RequestContext,
        otherwise carry: @escaping @EventLoop () -> Void
    ) -> Bool {
        let request = exchange.request
        guard let files, let named = signed.object, WallClock.now.seconds <= named.until, !exchange.hasBody,
            !request.headers.contains(anyOf: Self.ofTheStore)
        else { return false }
        let source = source(at: signed.url, userAgent: request.headers["User-Agent"])
        let size = named.object.layout.size
        let confirmation = FileConfirmation(key: ConfirmedAddresses.Key(named.object.name, at: signed.url)) {
            samples, done in
            StoreConfirmation(source, of: size, samples, context, in: files, done: done).start()
        }
        // What goes out is confirmed by itself, where it is more than a head.
        let isOfHead = request.method == .head || request.headers.contains("If-None-Match")
        guard isOfHead, !files.confirmed.contains(confirmation.key) else {
            return answer(named.object, signed, source, confirmation, exchange, context, otherwise: carry)
        }
        files.look(for: confirmation) { result in
            guard !context.isCancelled else { return exchange.fail(.clientGone, context) }
            let isAnswered =
                result == .given
                && self.answer(named.object, signed, source, confirmation, exchange, context, otherwise: carry)
            if !isAnswered { carry() }
        }
        return true
    }

    private func answer(
        _ object: StoredObject, _ signed: SignedURLCodec.Opened, _ source: FileSource, _ confirmation: FileConfirmation,
        _ exchange: Exchange, _ context: RequestContext, otherwise carry: @escaping @EventLoop () -> Void
    ) -> Bool {
        let request = exchange.request
        let etag = "\"\(object.name.hex)\""
        var headers: Headers = ["ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"]
        for (name, value) in FileRedirect.signedFields(of: signed.url) { headers.set(name, value) }
        headers = RelayedDocument.headers(of: Transfer.Head(status: .ok, headers: headers))
        context.crossOrigin?.admit(&headers)
        if case .answer(let status) = Preconditions.outcome(of: request, etag: etag) {
            headers.remove("Content-Type")
            exchange.send(Response(status, headers: headers), id: .own(context.id))
            return true
        }
        guard request.method == .get else {
            files?.whenOpenable(object.name) { [headers] in
                guard !context.isCancelled else { return exchange.fail(.clientGone, context) }
                guard self.files?.isHeld(object.name, object.layout) == true else { return carry() }
                exchange.start(.ok, headers: headers, id: .own(context.id), length: object.layout.size)
                exchange.finish()
            }
            return true
        }
        var (status, range) = (Status.ok, 0..<object.layout.size)
        switch FileRange(of: request, etag: etag, size: object.layout.size) {
        case .whole: break
        case .several, .unsatisfiable: return false
        case .part(let part):
            (status, range) = (.partialContent, part)
            headers.set("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(object.layout.size)")
        }
        serve(
            FileAnswer(
                name: object.name, layout: object.layout, range: range, status: status, headers: headers,
                source: source, isSizeSure: false, confirmation: confirmation, relay: carry), exchange, context)
        return true
    }

    /// Conditions on the store's own tags and dates.
    private static let ofTheStore = CaselessWords(["If-Match", "If-Modified-Since", "If-Unmodified-Since"])

    /// `mayGoOn`: one redirect of the store's is followed.
    private func source(at url: String, userAgent: String?, mayGoOn: Bool = true) -> FileSource {
        FileSource(url: url, userAgent: userAgent, limits: limits) { head throws(Failure) in
            guard let location = try head.location, head.status.isRedirect else { return nil }
            let target = ContentHosts.resolved(location, from: url)
            let host = target.flatMap { ContentHosts.host(of: $0) } ?? "a place without a clear host"
            guard mayGoOn else { throw .storeLeadsOn(to: host) }
            guard let target, head.isFollowed, self.signedURLs.hosts.allows(target) else {
                throw .contentElsewhere(host)
            }
            return self.source(at: target, userAgent: userAgent, mayGoOn: false)
        }
    }
}
