import EventIO
import HTTP
import Hub

/// Sends another replica bytes of a file: from the cache, which is filled from the address to which the Hub has led that replica.
///
/// The calling replica has asked the Hub whether its client may have the file. This one calls the store alone, and never another replica.
struct AnswerPeer: Handler {
    let upstream: Upstream
    let drainState: DrainState

    func handle(_ exchange: Exchange, _ context: RequestContext) throws(Failure) -> Reply {
        guard let files = upstream.files else { throw .notFound("endpoint \(context.target.loggable)") }
        let call = try files.peers.admit(exchange.request, context.target)
        do throws(Failure) {
            if drainState.isDraining { throw .draining() }
            guard call.size <= files.mostBytes else { throw .tooLargeForCache(call.size, files.mostBytes) }
            serve(try answer(to: call, in: files, exchange, context), from: files, exchange, context)
        } catch {
            files.peers.left()
            throw files.peers.refused(error)
        }
        return .stream
    }

    private func serve(_ answer: FileAnswer, from files: FileCache, _ exchange: Exchange, _ context: RequestContext) {
        files.whenOpenable(answer.name) {
            guard !context.isCancelled, files.serve(answer, exchange, context) else {
                files.peers.left()
                let failure = context.isCancelled ? Failure.clientGone : files.peers.refused(.cacheDisk)
                return exchange.fail(failure, context)
            }
            files.peers.serves()
        }
    }

    private func answer(
        to call: PeerCall, in files: FileCache, _ exchange: Exchange, _ context: RequestContext
    ) throws(Failure) -> FileAnswer {
        guard let layout = BlobLayout(size: call.size) else { throw .cacheDisk }
        let source = try source(of: call)
        var headers: Headers = [
            "Content-Type": "application/octet-stream", "Cache-Control": "no-store",
            "Content-Range": "bytes \(call.range.lowerBound)-\(call.range.upperBound - 1)/\(call.size)",
        ]
        RelayedDocument.isolate(&headers)
        return FileAnswer(
            name: call.name, layout: layout, range: call.range, status: .partialContent, headers: headers,
            source: source, isForPeer: true,
            confirmation: FileConfirmation(key: ConfirmedAddresses.Key(call.name, at: source.url)) { samples, done in
                StoreConfirmation(source, of: call.size, samples, context, in: files, done: done).start()
            }
        ) {
            // The other replica then asks the store itself.
            exchange.fail(.cacheDisk, context)
        }
    }

    /// An address is refused where a redirect of the Hub to it would not be followed.
    private func source(of call: PeerCall) throws(Failure) -> FileSource {
        let head = Transfer.Head(status: .found, headers: ["Location": call.source])
        let request = Request(method: .get, target: .root)
        guard ContentHosts.host(of: call.source) != nil,
            let hop = try? FileRedirect(head, of: request, hosts: upstream.signedURLs.hosts)
        else { throw .sourceElsewhere }
        return upstream.source(of: hop, userAgent: "hubgate/\(Version.number)", asksPeers: false)
    }
}

extension Failure {
    fileprivate static var sourceElsewhere: Failure {
        Failure(
            .denied,
            detail:
                "The Hub has led the peer to a host that is none of this gateway's content_hosts: give all of them the same."
        )
    }
}
