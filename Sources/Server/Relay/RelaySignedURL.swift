import EventIO
import HTTP
import Hub

/// Relays requests to signed URLs to the Hub's stores, with bodies streamed in both directions.
struct RelaySignedURL: Handler {
    let upstream: Upstream
    let identification: Identification
    /// Nil except with `access = keys`.
    let quotas: KeyQuotas?

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        let signed = try upstream.signedURLs.open(
            context.target, exchange.request.method, now: WallClock.now.seconds)
        var credential: Credential?
        if let keys = identification.keys {
            guard let mark = signed.key else { throw .signedURLRevoked }
            let identity = try Self.identity(mark, keys, context)
            guard identity.grant.fault == nil else { throw .signedURLRevoked }
            if signed.use == .verify {
                credential = try lend(identity, signed)
            } else if mark != identity.mark {
                // With its present rights the call that gave the address might be refused: so the client has to make that call again.
                throw .signedURLOfOtherRights
            }
            context.spender = identity
            context.watch(identity, by: keys, isSigned: true, connection: mark.id < 0 ? exchange : nil)
            context.allowance = try quotas?.admit(
                identity, body: exchange.hasBody ? exchange.declaredLength : 0, asksModel: false, isCounted: false)
        } else if signed.use == .verify {
            throw .signedURLRevoked
        }
        guard let allowance = context.allowance, !allowance.isOpen else {
            upstream.relay(signed, credential, exchange, context)
            return .stream
        }
        allowance.whenOpen { [upstream, credential] failure in
            if let failure { return exchange.fail(failure, context) }
            upstream.relay(signed, credential, exchange, context)
        }
        return .stream
    }

    /// The identity that got the address. A key is looked up; a client with a certificate has to show that here, too.
    private static func identity(
        _ mark: KeyMark, _ keys: KeyStore, _ context: RequestContext
    ) throws(Failure) -> KeyIdentity {
        guard mark.id < 0 else {
            guard let identity = keys.identity(mark.id) else { throw .signedURLRevoked }
            return identity
        }
        guard let identity = context.principal.key, identity.publicID == mark.id else { throw .signedURLOfCertificate }
        return identity
    }

    /// The credential that the key acts with, if its rules still allow the call.
    private func lend(_ key: KeyIdentity, _ signed: SignedURLCodec.Opened) throws(Failure) -> Credential? {
        guard signed.url.hasPrefix(upstream.base + "/"), signed.url.hasSuffix(SignedURLPolicy.verification) else {
            throw .signedURLInvalid
        }
        let target = try Target(hub: String(signed.url.dropFirst(upstream.base.count)))
        guard
            identification.isShadow(key)
                || key.grant.scope.decide(HubOperation.find(.post, target)).permit?.withoutCredential == false
        else {
            throw .signedURLOfOtherRights
        }
        return try identification.principal(with: key, isAmbient: false).credential
    }
}

extension Upstream {
    /// Relays a request to the target of its signed path. No token of the gateway's goes along for any client, except
    /// the `credential` for a key's own call to the Hub: the signed URL is a credential by itself, or leads to Xet's server, for which the
    /// client has one of Xet's tokens.
    func relay(
        _ signed: SignedURLCodec.Opened, _ credential: Credential?, _ exchange: Exchange, _ context: RequestContext
    ) {
        let isAnswered = answer(signed, exchange, context) { self.carry(signed, nil, exchange, context) }
        if !isAnswered { carry(signed, credential, exchange, context) }
    }

    private func carry(
        _ signed: SignedURLCodec.Opened, _ credential: Credential?, _ exchange: Exchange, _ context: RequestContext
    ) {
        let call = call(to: signed, by: exchange.request.method, exchange, context)
        call.credential = credential
        start(call, exchange, context)
    }

    private func call(
        to signed: SignedURLCodec.Opened, by method: Method, _ exchange: Exchange, _ context: RequestContext
    ) -> RelayedCall {
        let original = exchange.request
        var request = Request(
            method: method, target: .root,
            headers: SignedURLRequest.headers(of: original, for: signed.use, isOwn: isOwn))
        // A client's `X-HF-Bill-To` must not reach Xet's server where the operator sets it, nor with a key, whose right to spend was not
        // checked. The end of an upload goes to the Hub.
        if billTo != nil || signed.key != nil { request.headers.remove("X-HF-Bill-To") }
        if let billTo, signed.use == .complete || signed.use == .verify { request.headers.set("X-HF-Bill-To", billTo) }
        let rules =
            signed.use == .base ? RewrittenBodies.rulesOfXet(for: original.method, context.target) : nil
        if rules != nil { request.headers.set("Accept-Encoding", "identity") }
        let rewrite = rewrite(for: original, context, key: signed.key)
        return RelayedCall(
            request: request, url: signed.whole, limits: limits,
            server: signed.use == .complete || signed.use == .verify ? .hub : .store,
            sendsBody: exchange.hasBody && !original.method.isSafe
        ) { head throws(Failure) in
            context.hubRequestID = head.headers["X-Request-Id"]
            if method == .head, signed.use == .read, Self.refusesHead.contains(head.status.code) {
                // The URL is signed for GET, so HEAD was refused. The relay ends the call with its head.
                return .call(self.call(to: signed, by: .get, exchange, context))
            }
            return try self.action(try rewrite.redirected(head, from: signed), rules, isPlain: true, by: rewrite)
        }
    }
}

extension Rewrite {
    /// Where a store redirects a reader to another store, that one stays hidden behind the gateway.
    /// Throws `hubBroken` for a redirect that would lead the client past the gateway.
    fileprivate func redirected(_ head: Transfer.Head, from opened: SignedURLCodec.Opened) throws(Failure)
        -> Transfer.Head
    {
        guard let location = try head.location, head.status.isRedirect else { return head }
        guard opened.use == .read, head.isFollowed, let target = ContentHosts.resolved(location, from: opened.url)
        else {
            throw .hubBroken("its store redirects a call that cannot be redirected")
        }
        var head = head
        head.headers.set("Location", try signed(target, .read, of: opened.object?.object))
        return head
    }
}

/// The fields of a client's request that go along to a signed URL.
enum SignedURLRequest {
    private static let reading = CaselessWords([
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Encoding",
        "User-Agent",
    ])
    /// Stores sign some of these, and the Hub tells the client which to send.
    private static let uploading = CaselessWords(
        [
            "Content-Type", "Content-MD5", "Content-Encoding", "Content-Disposition", "Cache-Control", "If-None-Match",
            "Accept", "User-Agent",
        ], prefixes: ["X-Amz-"])
    private static let completing = CaselessWords(["Content-Type", "Accept", "Accept-Encoding", "User-Agent"])

    /// No cookie, and no credential except one of Xet's, for Xet's server.
    static func headers(of request: Request, for use: SignedURLCodec.Use, isOwn: (Secret) -> Bool) -> Headers {
        var headers = request.headers
        switch use {
        case .read:
            headers.keepOnly(reading)
            // RFC 9110 section 14.2: a range is ignored in HEAD, also where the store has to be asked by GET.
            if request.method == .head { headers.remove("Range") }
        case .upload: headers.keepOnly(uploading)
        case .complete, .verify: headers.keepOnly(completing)
        case .base:
            headers = EndToEndHeaders.upstream(headers)
            if let token = xetToken(request.headers, isOwn: isOwn) {
                headers.set("Authorization", "Bearer \(token.reveal())")
            }
        }
        return headers
    }

    /// The client's token, if it is neither a Hub token of ours nor a gateway key.
    private static func xetToken(_ headers: Headers, isOwn: (Secret) -> Bool) -> Secret? {
        let words = headers["Authorization"]?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count == 2, words[0].lowercased() == "bearer", !words[1].hasPrefix("hf_"),
            !words[1].hasPrefix("api_"), !words[1].hasPrefix(GatewayKey.prefix),
            let token = try? Secret(Array(words[1].utf8)), !isOwn(token)
        else { return nil }
        return token
    }
}

extension Failure {
    /// A client that got a signed URL with a certificate does not show it.
    fileprivate static var signedURLOfCertificate: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "This address was given to a client with a certificate: ask for it with the same one, and without a key. "
                + "A client that cannot (hf_xet) takes HF_HUB_DISABLE_XET=1."
        )
    }
}
