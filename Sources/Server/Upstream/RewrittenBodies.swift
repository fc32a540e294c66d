internal import Hub

/// THE table of answers whose JSON names the Hub or its stores where a client follows it, or shows Xet where that is hidden.
/// All others pass untouched, unread: a file may hold such an address too.
struct RewrittenBodies: Sendable {
    private enum Reading { case yes, no, any }

    /// Whether the request reads.
    private let reading: Reading
    private let isMeant: @Sendable (Target) -> Bool
    /// Nil: with each.
    private let xet: Xet?
    let rules: [MemberRule]

    private static let links = [
        MemberRule("*url", change: .follow), MemberRule("*Url", change: .follow), MemberRule("*href", change: .follow),
    ]

    private static let uncoded = CaselessWords(["identity", ""])
    private static let xetTokens: [StaticString] = ["/xet-read-token/", "/xet-write-token/"]
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

    /// What is rewritten in the Hub's answer; nil for nothing. Never in files, whose authors could have sealed what they like.
    static func rules(for request: Request, _ xet: Xet) -> [MemberRule]? {
        guard request.target.pathBegins(with: "/api/") || request.method != .get,
            !request.target.pathBegins(with: "/api/resolve-cache/")
        else { return nil }
        return rules(request.method, request.target, in: hub) { $0.xet == nil || $0.xet == xet }
    }

    /// The same of Xet's server, for what is asked below a sealed base.
    static func rulesOfXet(for method: Method, _ target: Target) -> [MemberRule]? {
        rules(method, target, in: xetServer) { _ in true }
    }

    private static func rules(
        _ method: Method, _ target: Target, in table: [RewrittenBodies], where isOn: (RewrittenBodies) -> Bool
    ) -> [MemberRule]? {
        guard method != .head else { return nil }
        return table.first { row in
            (row.reading == .any || (row.reading == .yes) == (method == .get)) && isOn(row)
                && row.isMeant(target)
        }?.rules
    }

    /// Whether an answer to such a request is JSON that can be rewritten as it goes by.
    /// Throws `hubBroken` where it cannot be, because it is compressed though that was not asked for.
    static func fits(_ head: Transfer.Head) throws(Failure) -> Bool {
        // With two types, or two codings, each client may believe another of them.
        let isJSON = ["/json", "+json"].contains { head.headers.mentions($0, in: "Content-Type") }
        guard isJSON else { return false }
        guard head.headers.isEvery("Content-Encoding", among: uncoded) else {
            throw .hubBroken("its JSON is compressed though that was not asked for")
        }
        return true
    }
}
