internal import Hub

/// THE table of answers in whose JSON the name of a member says what its URL is for, or shows Xet where that is hidden. In all JSON
/// but that of files and of models each string that is a URL of the Hub or of a store is turned round besides.
struct RewrittenBodies: Sendable {
    private enum Reading { case yes, no, any }

    /// Whether the request reads.
    private let reading: Reading
    private let isMeant: @Sendable (Target) -> Bool
    /// Nil: with each.
    private let xet: Xet?
    private let rules: [MemberRule]
    private let readingRules: [MemberRule]

    private init(
        reading: Reading, isMeant: @escaping @Sendable (Target) -> Bool, xet: Xet?, rules: [MemberRule]
    ) {
        self.reading = reading
        self.isMeant = isMeant
        self.xet = xet
        self.rules = rules + Self.anyURL
        readingRules = rules + Self.anyURLRead
    }

    /// What a client would do with a URL that a call has answered with is not known, but with one that it has read: read that.
    private static let anyURL = [MemberRule.anyURL(.follow)]
    private static let anyURLRead = [MemberRule.anyURL(.link)]

    private static let links = [
        MemberRule("*url", change: .follow), MemberRule("*Url", change: .follow), MemberRule("*href", change: .follow),
    ]

    private static let uncoded = CaselessWords(["identity", ""])
    /// Of a repository with a revision behind, of a bucket without.
    private static let xetTokens: [StaticString] = ["/xet-read-token", "/xet-write-token"]
    private static let fileLists: [StaticString] = ["/tree/", "/paths-info/"]

    /// Of the Hub.
    private static let hub = [
        RewrittenBodies(
            reading: .no,
            isMeant: {
                $0.path == "/api/repos/create" || $0.pathEnds(with: "/duplicate") || $0.pathContains("/commit/")
            },
            xet: nil, rules: links),
        RewrittenBodies(reading: .any, isMeant: { $0.pathContains("/discussions") }, xet: nil, rules: links),
        RewrittenBodies(
            reading: .no, isMeant: { $0.pathEnds(with: ".git/info/lfs/objects/batch") }, xet: nil,
            rules: [
                MemberRule("download", "href", change: .read), MemberRule("upload", "href", change: .upload),
                MemberRule("upload", "header", "#", change: .part), MemberRule("verify", "href", change: .hub),
            ] + links),
        RewrittenBodies(
            reading: .yes, isMeant: { $0.pathContains(anyOf: xetTokens) }, xet: .carry,
            rules: [MemberRule("casUrl", change: .base)] + links),
        RewrittenBodies(
            reading: .any, isMeant: { $0.pathContains(anyOf: fileLists) }, xet: .hide,
            rules: [MemberRule("xetHash", change: .drop)]),
    ]

    /// Of Xet's server.
    private static let xetServer = [
        // https://huggingface.co/docs/xet/api: where the pieces of a file are, in both versions of the answer.
        RewrittenBodies(
            reading: .yes, isMeant: { $0.pathContains("/reconstructions") }, xet: nil,
            rules: [MemberRule("url", change: .read)]),
        // Where to put a piece, for servers that do not take it themselves.
        RewrittenBodies(
            reading: .no, isMeant: { $0.pathContains("/xorb-grants/") }, xet: nil,
            rules: [MemberRule("*url", change: .part), MemberRule("*Url", change: .part)]),
    ]

    /// What is rewritten in the Hub's answer; nil for nothing. Never in files, whose authors could have sealed what they like, nor in
    /// what a model says.
    static func rules(for request: Request, _ xet: Xet) -> [MemberRule]? {
        guard request.method != .head, !isContent(request), !isSaid(request.target) else { return nil }
        return rules(request.method, request.target, in: hub) { $0.xet == nil || $0.xet == xet }
    }

    /// The same of Xet's server, for what is asked below a sealed base.
    static func rulesOfXet(for method: Method, _ target: Target) -> [MemberRule]? {
        method == .head ? nil : rules(method, target, in: xetServer) { _ in true }
    }

    private static func rules(
        _ method: Method, _ target: Target, in table: [RewrittenBodies], where isOn: (RewrittenBodies) -> Bool
    ) -> [MemberRule] {
        let row = table.first { row in
            (row.reading == .any || (row.reading == .yes) == (method == .get)) && isOn(row)
                && row.isMeant(target)
        }
        return method == .get ? row?.readingRules ?? anyURLRead : row?.rules ?? anyURL
    }

    /// Whether the answer is a file, as its author wrote it.
    private static func isContent(_ request: Request) -> Bool {
        guard request.method == .get else { return false }
        let target = request.target
        guard target.pathBegins(with: "/api/") else { return target.pathContains(anyOf: contents) }
        return target.pathBegins(with: "/api/resolve-cache/")
            // Behind kind, namespace and name: a repository may be called so too.
            || target.pathContains(anyOf: contents) && ["resolve", "raw", "media"].contains(target.segment(at: 4))
    }

    private static let contents: [StaticString] = ["/resolve/", "/raw/", "/media/"]

    /// Whether a model answers: what it says is text, whatever it looks like.
    private static func isSaid(_ target: Target) -> Bool {
        target.pathBegins(with: "/v1/") || target.pathBegins(with: "/api/inference-proxy/")
    }

    /// Whether answers with URLs in their JSON are to be expected there. They are asked for whole and not compressed; elsewhere a client has what it
    /// asks for, and JSON that comes compressed or in parts is left as it is.
    static func areExpected(at target: Target) -> Bool {
        target.pathBegins(with: "/api/") || target.pathContains(".git/info/lfs/")
    }

    /// Whether an answer to such a request is JSON that can be rewritten as it goes by. `isPlain`: it was asked for whole and not compressed.
    /// Throws `hubBroken` where it cannot be, because it is compressed though that was not asked for.
    static func fits(_ head: Transfer.Head, isPlain: Bool) throws(Failure) -> Bool {
        // With two types, or two codings, each client may believe another of them.
        let isJSON = ["/json", "+json"].contains { head.headers.mentions($0, in: "Content-Type") }
        guard head.status.allowsContent, isJSON else { return false }
        let isCoded = !head.headers.isEvery("Content-Encoding", among: uncoded)
        guard isPlain else { return !isCoded && head.status.code != 206 }
        guard !isCoded else {
            throw .hubBroken("its JSON is compressed though that was not asked for")
        }
        return true
    }
}
