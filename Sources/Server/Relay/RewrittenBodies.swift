import EventIO
import HTTP
import Hub

/// THE table of answers in whose JSON the name of a member says what its URL is for, or shows Xet where that is hidden. In all JSON
/// but that of files and of models each string that is a URL of the Hub or of a store is turned round besides.
///
/// A class, so that to go through the table takes a reference a row, and no copy of what is in it.
final class RewrittenBodies: Sendable {
    private enum Reading { case yes, no, any }

    /// Whether the request reads.
    private let reading: Reading
    private let isMeant: @Sendable (Target) -> Bool
    /// Nil: with each.
    private let xet: Xet?
    private let rules: [JSONFieldRule]
    private let readingRules: [JSONFieldRule]

    private init(
        reading: Reading, isMeant: @escaping @Sendable (Target) -> Bool, xet: Xet?, rules: [JSONFieldRule]
    ) {
        self.reading = reading
        self.isMeant = isMeant
        self.xet = xet
        self.rules = rules + Self.anyURL
        readingRules = rules + Self.anyURLRead
    }

    /// What a client would do with a URL that a call has answered with is not known, but with one that it has read: read that.
    private static let anyURL = [JSONFieldRule.anyURL(.follow)]
    private static let anyURLRead = [JSONFieldRule.anyURL(.link)]

    private static let links = [
        JSONFieldRule("*url", change: .follow), JSONFieldRule("*Url", change: .follow),
        JSONFieldRule("*href", change: .follow),
    ]

    private static let uncoded = CaselessWords(["identity", ""])
    /// Of a repository with a revision behind, of a bucket without.
    private static let xetTokens: PathParts = ["/xet-read-token", "/xet-write-token"]
    private static let discussions: PathParts = ["/discussions"]
    private static let fileLists: PathParts = ["/tree/", "/paths-info/"]

    /// Of the Hub.
    private static let hub = [
        RewrittenBodies(
            reading: .no,
            isMeant: {
                $0.path == "/api/repos/create" || $0.pathEnds(with: "/duplicate") || $0.pathContains("/commit/")
            },
            xet: nil, rules: links),
        RewrittenBodies(reading: .any, isMeant: { $0.pathContains(anyOf: discussions) }, xet: nil, rules: links),
        RewrittenBodies(
            reading: .no, isMeant: { $0.pathEnds(with: ".git/info/lfs/objects/batch") }, xet: nil,
            rules: [
                JSONFieldRule("download", "href", change: .read), JSONFieldRule("upload", "href", change: .upload),
                JSONFieldRule("upload", "header", "#", change: .part), JSONFieldRule("verify", "href", change: .hub),
            ] + links),
        RewrittenBodies(
            reading: .yes, isMeant: { $0.pathContains(anyOf: xetTokens) }, xet: .carry,
            rules: [JSONFieldRule("casUrl", change: .base)] + links),
        RewrittenBodies(
            reading: .any, isMeant: { $0.pathContains(anyOf: fileLists) }, xet: .hide,
            rules: [JSONFieldRule("xetHash", change: .drop)]),
    ]

    /// Of Xet's server.
    private static let xetServer = [
        // https://huggingface.co/docs/xet/api: where the pieces of a file are, in both versions of the response.
        RewrittenBodies(
            reading: .yes, isMeant: { $0.pathContains("/reconstructions") }, xet: nil,
            rules: [JSONFieldRule("url", change: .read)]),
        // Where to put a piece, for servers that do not take it themselves.
        RewrittenBodies(
            reading: .no, isMeant: { $0.pathContains("/xorb-grants/") }, xet: nil,
            rules: [JSONFieldRule("*url", change: .part), JSONFieldRule("*Url", change: .part)]),
    ]

    /// What is rewritten in the Hub's response; nil for nothing. Never in files, whose authors could have signed what they like, nor in
    /// what a model says.
    static func rules(for request: Request, _ xet: Xet) -> [JSONFieldRule]? {
        guard request.method != .head, !isContent(request), !isSaid(request.target) else { return nil }
        return rules(request.method, request.target, in: hub) { $0.xet == nil || $0.xet == xet }
    }

    /// The same of Xet's server, for what is asked below a signed base.
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
            // Behind kind, namespace and name: a repository may be called so too.
            || target.pathContains(anyOf: contents) && ["resolve", "raw", "media"].contains(target.segment(at: 4))
    }

    private static let contents: PathParts = ["/resolve/", "/raw/", "/media/"]

    /// Whether a model answers: what it says is text, whatever it looks like.
    private static func isSaid(_ target: Target) -> Bool {
        target.pathBegins(with: "/v1/") || target.pathBegins(with: "/api/inference-proxy/")
    }

    /// Whether answers with URLs in their JSON are to be expected there. They are asked for whole and not compressed; elsewhere a client has what it
    /// asks for, and JSON that comes compressed or in parts is left as it is.
    static func areExpected(at target: Target) -> Bool {
        target.pathBegins(with: "/api/") || target.pathContains(".git/info/lfs/")
    }

    /// Whether a response to such a request is JSON that can be rewritten as it goes by. `isPlain`: it was asked for whole and not compressed.
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

/// Which strings of a JSON text are rewritten, and how.
struct JSONFieldRule: Sendable {
    /// The end of the way to the member: the names of objects from the outside in, arrays left out.
    /// A name is `*url` for all that end so, or `#` for a number. Empty: each string that is a URL, wherever it is.
    let path: [String]
    let change: Rewrite.URLAction

    init(_ path: String..., change: Rewrite.URLAction) {
        self.path = path
        self.change = change
    }

    /// Each string that is a URL and nothing else, if no rule says more.
    static func anyURL(_ change: Rewrite.URLAction) -> JSONFieldRule { JSONFieldRule(change: change) }
}

/// Rules made ready for a text: each name is told once which of the patterns it fits, as bits.
struct MemberRules {
    private enum Pattern: Equatable {
        case number
        case suffix([UInt8])
        case exact([UInt8])

        init(_ text: String) {
            self =
                text == "#"
                ? .number
                : text.hasPrefix("*") ? .suffix(Array(text.utf8.dropFirst())) : .exact(Array(text.utf8))
        }

        func fits(_ name: Span<UInt8>) -> Bool {
            switch self {
            case .number: !name.isEmpty && name.indices.allSatisfy { (0x30...0x39).contains(name[$0]) }
            case .exact(let word): name.count == word.count && Self.ends(name, word)
            case .suffix(let word): name.count >= word.count && Self.ends(name, word)
            }
        }

        private static func ends(_ name: Span<UInt8>, _ word: [UInt8]) -> Bool {
            let start = name.count - word.count
            return word.indices.allSatisfy { name[start + $0] == word[$0] }
        }
    }

    private var patterns: [Pattern] = []
    /// From the inside out, a bit for each pattern.
    private var ways: [(way: [UInt32], change: Rewrite.URLAction)] = []
    /// What becomes of any other string that is a URL.
    private(set) var anyURL: Rewrite.URLAction?

    /// At most 32 different names are a bug of the caller.
    init(_ rules: [JSONFieldRule]) {
        for rule in rules {
            guard !rule.path.isEmpty else {
                anyURL = anyURL ?? rule.change
                continue
            }
            ways.append((rule.path.reversed().map { bit(Pattern($0)) }, rule.change))
        }
    }

    private mutating func bit(_ pattern: Pattern) -> UInt32 {
        if let index = patterns.firstIndex(of: pattern) { return 1 << index }
        precondition(patterns.count < 32)
        patterns.append(pattern)
        return 1 << (patterns.count - 1)
    }

    /// Whether names have to be known at all.
    var askForNames: Bool { !patterns.isEmpty }

    /// Whether a member may be left out, so that it has to wait for its value.
    var canDrop: Bool {
        ways.contains { if case .drop = $0.change { true } else { false } }
    }

    /// The patterns that `name` fits.
    func fitting(_ name: Span<UInt8>) -> UInt32 {
        var fitting: UInt32 = 0
        for index in patterns.indices where patterns[index].fits(name) { fitting |= 1 << index }
        return fitting
    }

    /// What becomes of a member, by the bits of the names of objects from the inside out.
    func change(_ names: some Sequence<UInt32>) -> Rewrite.URLAction? {
        ways.first { rule in
            var names = names.makeIterator()
            return rule.way.allSatisfy { wanted in names.next().map { $0 & wanted != 0 } ?? false }
        }?.change
    }
}
