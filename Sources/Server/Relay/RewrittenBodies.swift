import EventIO
import HTTP
import Hub

/// THE table of responses in whose JSON a member's name tells the purpose of its URL, or shows Xet where that is hidden. In all other
/// JSON but that of files and of models each string that is a URL of the Hub or of a store is rewritten, too.
///
/// A class, so that a look through the table takes a reference for each row, and no copy of it.
final class RewrittenBodies: Sendable {
    private enum Reading { case yes, no, any }

    /// Whether the request reads.
    private let reading: Reading
    private let isMeant: @Sendable (Target) -> Bool
    /// Nil: with each setting of `xet`.
    private let xet: Xet?
    private let rules: [JSONFieldRule]
    private let readingRules: [JSONFieldRule]

    private init(
        reading: Reading, isMeant: @escaping @Sendable (Target) -> Bool, xet: Xet?, rules: [JSONFieldRule],
        anyURL: [JSONFieldRule] = RewrittenBodies.anyURL, anyURLRead: [JSONFieldRule] = RewrittenBodies.anyURLRead
    ) {
        self.reading = reading
        self.isMeant = isMeant
        self.xet = xet
        self.rules = rules + anyURL
        readingRules = rules + anyURLRead
    }

    /// The purpose of a URL in the response to a change is not known; in a response to a read it is for reading.
    private static let anyURL = [JSONFieldRule.anyURL(.follow)]
    private static let anyURLRead = ofAuthors.map { JSONFieldRule.authored($0) } + [.anyURL(.link)]
    private static let anyURLOfAuthors = [JSONFieldRule.anyURL(.authored)]

    /// Content of the Hub as an author has written it: in repositories, their cards and commits, in collections, papers and posts, of users and
    /// organisations.
    private static let ofAuthors = [
        "cardData", "card_data", "config", "widgetData", "model-index", "gguf", "tags", "library_name", "description",
        "title", "summary", "message", "note", "content", "citation", "details", "fullname",
    ]

    private static let links = [
        JSONFieldRule("*url", change: .follow), JSONFieldRule("*Url", change: .follow),
        JSONFieldRule("*href", change: .follow),
    ]

    private static let uncoded = CaselessWords(["identity", ""])
    private static let discussions: PathParts = ["/discussions"]
    private static let fileLists: PathParts = ["/tree/", "/paths-info/"]

    /// The parts of paths that rows for reads have: most reads have no row, and one search tells that.
    private static let ofReads = PathParts(anyOf: [discussions, fileLists, HubOperationsTable.xetTokens])

    /// Responses of the Hub.
    private static let hub = [
        RewrittenBodies(
            reading: .no,
            isMeant: {
                $0.path == "/api/repos/create" || $0.pathEnds(with: "/duplicate") || $0.pathContains("/commit/")
            },
            xet: nil, rules: links),
        RewrittenBodies(
            reading: .any, isMeant: { $0.pathContains(anyOf: discussions) }, xet: nil, rules: links,
            anyURL: anyURLOfAuthors, anyURLRead: anyURLOfAuthors),
        RewrittenBodies(
            reading: .no, isMeant: { $0.pathEnds(with: ".git/info/lfs/objects/batch") }, xet: nil,
            rules: [
                JSONFieldRule("objects", "oid", change: .oid), JSONFieldRule("objects", "size", change: .size),
                JSONFieldRule("objects", "actions", "download", "href", change: .object(nil)),
                JSONFieldRule("download", "href", change: .read), JSONFieldRule("upload", "href", change: .upload),
                JSONFieldRule("upload", "header", "#", change: .part), JSONFieldRule("verify", "href", change: .hub),
            ] + links),
        RewrittenBodies(
            reading: .yes, isMeant: { $0.pathContains(anyOf: HubOperationsTable.xetTokens) }, xet: .carry,
            rules: [JSONFieldRule("casUrl", change: .base)] + links),
        RewrittenBodies(
            reading: .any, isMeant: { $0.pathContains(anyOf: fileLists) }, xet: .hide,
            rules: [JSONFieldRule("xetHash", change: .drop)]),
    ]

    /// Responses of Xet's server.
    private static let xetServer = [
        // https://huggingface.co/docs/xet/api: where the chunks of a file are, in both versions of the response.
        RewrittenBodies(
            reading: .yes, isMeant: { $0.pathContains("/reconstructions") }, xet: nil,
            rules: [JSONFieldRule("url", change: .read)]),
        // Where to upload a chunk, for servers that do not take it themselves.
        RewrittenBodies(
            reading: .no, isMeant: { $0.pathContains("/xorb-grants/") }, xet: nil,
            rules: [JSONFieldRule("*url", change: .part), JSONFieldRule("*Url", change: .part)]),
    ]

    /// The rules for the Hub's response; nil for none. Never for files, whose authors could have anything signed, nor for
    /// texts of a model.
    static func rules(for request: Request, _ xet: Xet) -> [JSONFieldRule]? {
        guard request.method != .head, !isContent(request), !isSaid(request.target) else { return nil }
        if request.method == .get, !request.target.pathContains(anyOf: ofReads) { return anyURLRead }
        return rules(request.method, request.target, in: hub) { $0.xet == nil || $0.xet == xet }
    }

    /// The same for Xet's server, for requests below a signed base.
    static func rulesOfXet(for method: Method, _ target: Target) -> [JSONFieldRule]? {
        method == .head ? nil : rules(method, target, in: xetServer) { _ in true }
    }

    private static func rules(
        _ method: Method, _ target: Target, in table: [RewrittenBodies], where isOn: (RewrittenBodies) -> Bool
    ) -> [JSONFieldRule] {
        let isRead = method == .get
        let row = table.first { row in
            (row.reading == .any || (row.reading == .yes) == isRead) && isOn(row) && row.isMeant(target)
        }
        return isRead ? row?.readingRules ?? anyURLRead : row?.rules ?? anyURL
    }

    /// Whether the response is a file, as its author wrote it.
    private static func isContent(_ request: Request) -> Bool {
        guard request.method == .get else { return false }
        let target = request.target
        guard target.pathBegins(with: "/api/") else { return target.pathContains(anyOf: contents) }
        return target.pathBegins(with: "/api/resolve-cache/")
            // After kind, namespace and name: a repository may have one of these names.
            || target.pathContains(anyOf: contents) && ["resolve", "raw", "media"].contains(target.segment(at: 4))
    }

    private static let contents: PathParts = ["/resolve/", "/raw/", "/media/"]

    /// Whether a model responds: its words are text, whatever they look like.
    private static func isSaid(_ target: Target) -> Bool {
        target.pathBegins(with: "/v1/") || target.pathBegins(with: "/api/inference-proxy/")
    }

    /// Whether responses with URLs in their JSON are expected there. These are requested whole and not compressed; elsewhere a client gets what it
    /// asks for, and JSON that comes compressed or in parts is not changed.
    static func areExpected(at target: Target) -> Bool {
        target.pathBegins(with: "/api/") || target.pathContains(".git/info/lfs/")
    }

    /// Whether a response to such a request is JSON that can be rewritten as it comes. `isPlain`: it was requested whole and not compressed.
    /// Throws `hubBroken` where it cannot be, because it is compressed all the same.
    static func fits(_ head: Transfer.Head, isPlain: Bool) throws(Failure) -> Bool {
        // With two types, or two codings, clients may differ in which one they believe.
        let isJSON =
            head.headers.mentions("/json", in: "Content-Type") || head.headers.mentions("+json", in: "Content-Type")
        guard head.status.allowsContent, isJSON else { return false }
        let isCoded = !head.headers.isEvery("Content-Encoding", among: uncoded)
        guard isPlain else { return !isCoded && head.status.code != 206 }
        guard !isCoded else {
            throw .hubBroken("its JSON is compressed though that was not asked for")
        }
        return true
    }
}
