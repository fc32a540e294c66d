import EventIO
import HTTP
import Hub

/// Answers from pulled revisions where the Hub cannot be asked, or must not be.
///
/// They were fetched with the gateway's own credential. So they are for principals that use it, by the rules of their keys as always, and for others only where
/// the repository was public and not gated.
extension Upstream {
    /// The largest body of `paths-info`, in bytes.
    private static let longestBody = 1 << 20

    /// Answers a request; nil where the revision is not here for this principal. `failure`: why the Hub does not answer.
    func held(
        _ exchange: Exchange, _ context: RequestContext, body: [UInt8]?, instead failure: Failure
    ) -> (@EventLoop @Sendable () -> Void)? {
        guard server == .hub, let files, failure.isOfAbsentHub,
            let question = HeldQuestion(exchange.request.method, context.target),
            let head = files.held.head(of: question.revision, in: question.repo),
            head.isOpen || context.principal.isGateway
        else { return nil }
        return {
            context.task = EventLoop.immediateTask {
                do throws(Failure) {
                    guard let revision = await files.held.find(question.repo, commit: head.commit) else {
                        throw failure
                    }
                    if context.isCancelled { throw .clientGone }
                    try context.confirmKey()
                    try await self.answer(question, revision, body, exchange, context)
                } catch {
                    exchange.fail(error, context)
                }
            }
        }
    }

    /// Why nothing is sent to the Hub.
    func offFailure(_ exchange: Exchange, _ context: RequestContext) -> Failure {
        let what = HeldQuestion(exchange.request.method, context.target)?.text
        return Failure(
            .hubTooSlow,
            detail: (what.map { "\($0) is not kept here" } ?? "This is not kept here")
                + ", and this gateway asks no Hub (upstream = off). `hubgate cache import` brings what another gateway has fetched."
        )
    }

    private func answer(
        _ question: HeldQuestion, _ revision: HeldRevision, _ body: [UInt8]?, _ exchange: Exchange,
        _ context: RequestContext
    ) async throws(Failure) {
        switch question.wish {
        case .info: send(revision.info, revision, exchange, context)
        case .refs: send(try refs(question.repo).encoded(), revision, exchange, context)
        case .tree(let folder): try sendTree(folder, revision, exchange, context)
        case .paths:
            var bytes = body ?? context.body
            if bytes == nil {
                bytes = try await exchange.wholeBody(
                    within: BodyBounds(bytes: Self.longestBody, milliseconds: UInt64(limits.stall)))
            }
            let paths = try HeldTree.paths(in: bytes ?? [], mediaType: exchange.request.headers.mediaType)
            let found = HeldTree(revision: revision).entries(at: paths)
            send(try JSON.array(found).encoded(), revision, exchange, context)
        case .file(let path): try await sendFile(path, revision, question, exchange, context)
        }
    }

    private func refs(_ repo: RepoKey) -> JSON {
        let branches = files?.directory.refs(of: repo) ?? []
        return [
            "tags": [], "converts": [],
            "branches": .array(
                branches.map {
                    [
                        "name": .string($0.ref), "ref": .string("refs/heads/\($0.ref)"),
                        "targetCommit": .string($0.commit),
                    ]
                }),
        ]
    }

    // MARK: JSON

    private func send(
        _ json: [UInt8], _ revision: HeldRevision, _ exchange: Exchange, _ context: RequestContext, link: String? = nil
    ) {
        var headers = heldHeaders(revision)
        headers.set("Content-Type", "application/json; charset=utf-8")
        if let link { headers.set("Link", link) }
        headers.append("Cache-Status", "hubgate; hit; detail=pulled")
        RelayedDocument.isolate(&headers)
        context.crossOrigin?.admit(&headers)
        let response = Response(.ok, headers: headers, body: json)
        context.release(json.count, to: exchange) { exchange.send(response, id: .own(context.id)) }
    }

    private func heldHeaders(_ revision: HeldRevision) -> Headers {
        ["X-Repo-Commit": revision.commit, "Vary": "Origin, Accept"]
    }

    private func sendTree(
        _ folder: String, _ revision: HeldRevision, _ exchange: Exchange, _ context: RequestContext
    ) throws(Failure) {
        let query = HeldQuery(context.target)
        let limit = min(query["limit"].flatMap { Int($0) } ?? HeldTree.largestPage, HeldTree.largestPage)
        guard
            let page = HeldTree(revision: revision).page(
                of: folder, isRecursive: ["1", "true"].contains(query["recursive"]?.lowercased()),
                after: query["cursor"], limit: max(1, limit))
        else { throw .entryNotHeld(folder, revision) }
        let link = page.next.map { next in
            let origin = rewrite(for: exchange.request, context).gateway
            return "<\(origin)\(context.target.path)?\(query.replacing("cursor", with: next))>; rel=\"next\""
        }
        send(try JSON.array(page.entries).encoded(), revision, exchange, context, link: link)
    }

    // MARK: files

    private func sendFile(
        _ path: String, _ revision: HeldRevision, _ question: HeldQuestion, _ exchange: Exchange,
        _ context: RequestContext
    ) async throws(Failure) {
        guard let entry = revision[path], entry.place != .folder else { throw .entryNotHeld(path, revision) }
        let layout = BlobLayout(size: entry.size)
        let missing = Failure(
            .hubTooSlow,
            detail: "\(question.text) is not kept here, and the Hub cannot be asked. `hubgate cache pull` fetches it.")
        if entry.size > 0 {
            if let content = entry.content { await files?.openable(content) }
            guard let content = entry.content, layout != nil, files?.isHeld(content) == true else { throw missing }
        }
        var headers = heldHeaders(revision)
        headers.set("ETag", entry.etag)
        headers.set("Accept-Ranges", "bytes")
        headers.set("Content-Type", entry.isInStore ? "application/octet-stream" : "text/plain; charset=utf-8")
        if entry.isInStore {
            headers.set("X-Linked-Etag", entry.etag)
            headers.set("X-Linked-Size", String(entry.size))
        }
        if exchange.request.looksForLocation { headers.set("Location", basePath + context.target.pathAndQuery) }
        RelayedDocument.isolate(&headers)
        context.crossOrigin?.admit(&headers)
        if case .answer(let status) = Preconditions.outcome(of: exchange.request, etag: entry.etag) {
            headers.remove("Content-Type")
            return exchange.send(Response(status, headers: headers), id: .own(context.id))
        }
        guard exchange.request.method == .get, let layout, let content = entry.content else {
            exchange.start(.ok, headers: headers, id: .own(context.id), length: entry.size)
            return exchange.finish()
        }
        var (status, range) = (Status.ok, 0..<entry.size)
        switch FileRange(of: exchange.request, etag: entry.etag, size: entry.size) {
        case .whole, .several: break
        case .unsatisfiable:
            headers.set("Content-Range", "bytes */\(entry.size)")
            return exchange.send(Response(.rangeNotSatisfiable, headers: headers), id: .own(context.id))
        case .part(let part):
            (status, range) = (.partialContent, part)
            headers.set("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(entry.size)")
        }
        serve(
            FileAnswer(name: content, layout: layout, range: range, status: status, headers: headers, source: .none) {
                exchange.fail(missing, context)
            }, exchange, context)
    }
}

/// The query parameters of lists of paths.
struct HeldQuery {
    private let pairs: [(name: String, value: String)]

    init(_ target: Target) {
        pairs = (target.query ?? "").utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.text(parts[0]), parts.count > 1 ? Self.text(parts[1]) : "")
        }
    }

    private static func text(_ part: Substring.UTF8View) -> String {
        PercentEncoding.decode(part.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
    }

    subscript(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    func replacing(_ name: String, with value: String) -> String {
        (pairs.filter { $0.name != name } + [(name, value)]).map {
            PercentEncoding.encode(segment: $0.name) + "=" + PercentEncoding.encode(segment: $0.value)
        }.joined(separator: "&")
    }
}

extension Principal {
    /// Whether the Hub is asked with the gateway's own credential.
    var isGateway: Bool { if case .gateway = authority { true } else { false } }
}

extension Failure {
    /// Whether it says that the Hub cannot be asked now.
    fileprivate var isOfAbsentHub: Bool {
        switch kind {
        case .hubUnreachable, .hubTooSlow, .hubBroken, .budgetSpent: true
        case .hubAnswered(let refusal): refusal.status.code >= 500 || refusal.status == .tooManyRequests
        default: false
        }
    }

    /// In the Hub's form: by it clients know that an optional file does not exist.
    fileprivate static func entryNotHeld(_ path: String, _ revision: HeldRevision) -> Failure {
        .hubAnswered(
            HubRefusal(
                status: .notFound, code: "EntryNotFound",
                message:
                    "\(path.shown) is not in \(revision.repo.text) at \(revision.commit), as it was pulled at \(WallClock.iso8601(revision.taken)).",
                headers: ["X-Repo-Commit": revision.commit]))
    }
}
