import EventIO
import HTTP
import Hub

/// What has been signed: to the Hub's stores and back, bodies streamed both ways.
struct RelaySignedURL: Handler {
    let upstream: Upstream
    let identification: Identification
    /// Nil but in access by keys.
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
                // With other rights the call that gave the address might be refused now: so the client makes it again.
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

    /// Who got the address. A key is looked up; who got it by a certificate has to show that here, too.
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
    /// Carries a request to where its signed path leads, and the response back. No token of the gateway's goes along, whoever asks, but
    /// the `credential` of a key's own call to the Hub: what is signed is a credential by itself, or leads to Xet's server, where the
    /// client shows one of Xet's.
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
        // To Xet's server a client's word on who pays must not pass where the operator says it, nor by a key, whose right to spend was not
        // asked for. The end of an upload is the Hub's.
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
                // Signed for GET, so refused to HEAD. The relay stops it when its head is there.
                return .call(self.call(to: signed, by: .get, exchange, context))
            }
            return try self.action(try rewrite.redirected(head, from: signed), rules, isPlain: true, by: rewrite)
        }
    }
}

extension Rewrite {
    /// A store that sends a reader on to another one stays hidden behind the gateway.
    /// Throws `hubBroken` for a redirect to where the client would be led out of here.
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

/// What of a client's request goes along to where a signed URL leads.
enum SignedURLRequest {
    private static let reading = CaselessWords([
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "Accept", "Accept-Encoding",
        "User-Agent",
    ])
    /// Stores sign some of them, and the Hub tells the client which to send.
    private static let uploading = CaselessWords(
        [
            "Content-Type", "Content-MD5", "Content-Encoding", "Content-Disposition", "Cache-Control", "If-None-Match",
            "Accept", "User-Agent",
        ], prefixes: ["X-Amz-"])
    private static let completing = CaselessWords(["Content-Type", "Accept", "Accept-Encoding", "User-Agent"])

    /// No cookie, and no credential but one of Xet's to Xet's server.
    static func headers(of request: Request, for use: SignedURLCodec.Use, isOwn: (Secret) -> Bool) -> Headers {
        var headers = request.headers
        switch use {
        case .read:
            headers.keepOnly(reading)
            // RFC 9110 section 14.2: there is no range of HEAD, also where the store has to be asked by GET.
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

    /// The client's token, if it is none of the Hub's and no gateway key.
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
    /// Who got a signed URL by a certificate does not show it.
    fileprivate static var signedURLOfCertificate: Failure {
        Failure(
            .signedURLRefused,
            detail:
                "This address was given to a client with a certificate: ask for it with the same one, and without a key. "
                + "A client that cannot (hf_xet) takes HF_HUB_DISABLE_XET=1."
        )
    }
}
