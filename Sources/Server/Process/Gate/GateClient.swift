import EventIO
import HTTP
import Hub

/// The admin API of a running gateway, for the command line: one request after the other, over verified TLS.
@EventLoop
final class GateClient {
    private static let limits = Transfer.Limits(connect: 5_000, firstByte: 30_000, stall: 30_000)
    private static let longest = 32 << 20
    private static let json = JSONLimits(bytes: longest, depth: 12, values: 2_000_000)
    /// The most pages of a list, so that it ends whatever the other side sends.
    private static let mostPages = 2_000

    private let options: GateOptions
    private let pool: TransferPool

    init(_ options: GateOptions) throws(SubcommandFailure) {
        self.options = options
        do throws(CError) {
            pool = try TransferPool(trust: options.authorities.map { .pem($0) } ?? .system, connections: 1)
        } catch {
            throw SubcommandFailure(code: Exit.unavailable, reason: "\(error)")
        }
    }

    func close() async {
        pool.close()
        while !pool.isIdle { await EventLoop.sleep(milliseconds: 1) }
    }

    /// Asks for `path`, whose segments are below `/-/api` and not encoded yet. Throws the gateway's refusal, or why it could not be asked.
    func ask(
        _ method: Method, _ path: [String], query: [(String, String)] = [], body: JSON? = nil
    ) async throws(SubcommandFailure) -> JSON {
        var url = options.address.description + AdminRoutes.prefix
        for segment in path { url += "/" + PercentEncoding.encode(segment: segment) }
        let pairs = query.map { "\(PercentEncoding.encode(segment: $0))=\(PercentEncoding.encode(segment: $1))" }
        if !pairs.isEmpty { url += "?" + pairs.joined(separator: "&") }
        var request = Request(
            method: method, target: .root,
            headers: ["Accept": "application/json", "User-Agent": "hubgate/\(Version.number)"])
        if let body {
            request.headers.append("Content-Type", "application/json")
            // The command line has no numbers that JSON cannot express.
            request.body = (try? body.encoded()) ?? []
        }
        let content = ContentCollector(limit: Self.longest, patience: 120_000)
        let transfer = pool.start(
            request, url: url, authorization: .init(scheme: "Bearer", secret: options.key), limits: Self.limits,
            sink: content)
        content.transfer = transfer
        var outcome: Result<Void, Failure> = .success(())
        do throws(TransferError) {
            try await transfer.ended()
        } catch {
            if content.head == nil { throw unreachable(error) }
            outcome = .failure(Failure(error))
        }
        guard let head = content.head else { throw unreachable(.broken("it ended before its head")) }
        let bytes: [UInt8]
        do throws(Failure) {
            bytes = try content.bytes(outcome)
        } catch {
            throw SubcommandFailure(
                code: Exit.unavailable,
                reason: "the response of \(options.address.origin) is not whole: \(Self.shown(error.detail))")
        }
        return try answer(head, bytes)
    }

    /// All rows of a list that comes in pages, from the member `name`: `most` of them at most.
    func rows(
        _ name: String, _ path: [String], query: [(String, String)] = [], after: String, most: Int = .max
    ) async throws(SubcommandFailure) -> [JSON] {
        var rows: [JSON] = []
        var next: String?
        for _ in 0..<Self.mostPages {
            let limit = min(most - rows.count, AdminActs.mostRows)
            let place = next.map { [(after, $0)] } ?? []
            let page = try await ask(.get, path, query: query + [("limit", "\(limit)")] + place)
            guard case .array(let found)? = page[name] else { throw noGate }
            rows += found
            next = page["next"]?.stringValue
            if next == nil || rows.count >= most { return Array(rows.prefix(most)) }
        }
        throw SubcommandFailure(
            code: Exit.unavailable, reason: "the list that \(options.address.origin) gives has no end")
    }

    /// The server at the URL is no gateway that this program knows.
    var noGate: SubcommandFailure {
        SubcommandFailure(
            code: Exit.unavailable,
            reason: "what answers at \(options.address.origin) is no hubgate of this version, or not its admin API")
    }
}

// MARK: responses

extension GateClient {
    private func answer(_ head: Transfer.Head, _ body: [UInt8]) throws(SubcommandFailure) -> JSON {
        let json = try? JSON.parse(body, within: Self.json)
        guard !head.status.isSuccess else {
            guard let json else { throw noGate }
            return json
        }
        // A gateway sends this member; a proxy in front of it may refuse as well.
        guard let said = json?["error"]?.stringValue else {
            if head.status.isRedirect || head.status == .notFound { throw noGate }
            throw SubcommandFailure(
                code: Exit.unavailable,
                reason: "\(options.address.origin) answered \(head.status.code), and does not say why")
        }
        throw SubcommandFailure(code: Self.code(head.status.code), reason: Self.shown(said))
    }

    private static func code(_ status: Int) -> Int32 {
        switch status {
        case 401, 403: Exit.noPermission
        case 404: Exit.noInput
        case 429, 503: Exit.temporary
        case 400..<500: Exit.usage
        default: Exit.unavailable
        }
    }

    private func unreachable(_ error: TransferError) -> SubcommandFailure {
        let reason =
            switch error {
            case .unreachable(let reason), .proxy(_, let reason), .tooSlow(let reason), .broken(let reason): reason
            case .cancelled, .closing: "it was ended"
            }
        let hint = reason.contains("certificate") ? "; --ca-file names the authority of its certificate" : ""
        return SubcommandFailure(
            code: Exit.unavailable, reason: "the gateway at \(options.address.origin) cannot be asked: \(reason)\(hint)"
        )
    }

    /// A sentence of another program, on one line and without its full stop.
    private static func shown(_ text: String) -> String {
        let line = text.prefix(1000).visible
        return line.hasSuffix(".") ? String(line.dropLast()) : line
    }
}

extension StringProtocol {
    /// Without characters that a terminal obeys or hides.
    var visible: String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: unicodeScalars.map { $0.isInvisibleCommand ? "\u{FFFD}" : $0 })
        return String(text)
    }
}

extension JSON {
    /// The same for all texts in it: for JSON of another machine that is printed as it is.
    var visible: JSON {
        switch self {
        case .string(let text): .string(text.visible)
        case .array(let elements): .array(elements.map(\.visible))
        case .object(let members):
            .object(Dictionary(members.map { ($0.key.visible, $0.value.visible) }) { one, _ in one })
        case .null, .bool, .integer, .number: self
        }
    }
}
