import EventIO
import HTTP
import Hub

/// Adds up what keys do, in one worker, and reports it to the state process each second. A request like an earlier one copies no text.
@EventLoop
final class UsageCounter {
    /// What is counted together. The resource is a hash, under a secret of this process's own.
    private struct Mark: Hashable {
        let day: Int64
        let publicID: Int64
        let action: HubAction
        let resource: Int
    }

    private let client: StateClient
    private var places: [Mark: Int] = [:]
    private var lines: [UsageReport.Line] = []
    private lazy var report = Timer { [weak self] in self?.send() }
    private var isWaiting = false
    private var unanswered = 0

    /// How often it is reported to the state process, in milliseconds: a crash of the gateway loses as much. And how many lines may wait for that.
    private static let reportMilliseconds: UInt64 = 1000
    private static let most = 2048
    /// Records that may be unanswered: while the state process has not answered so many, new uses are added to those that wait here.
    private static let mostUnanswered = 16
    private static let modelPrefix = "model:"

    init(_ client: StateClient) {
        self.client = client
    }

    /// Counts a request at its end, if it was made with a key.
    func note(_ exchange: Exchange, _ context: RequestContext) {
        guard let key = context.spender else { return }
        let code = exchange.status?.code ?? 499
        let usage = context.usageReader?.usage
        let action = context.act
        let mark = Mark(
            day: Int64(WallClock.now.seconds) / 86_400, publicID: key.publicID, action: action,
            // A resource that does not exist, or may not be seen, has no line of its own: clients choose its name.
            resource: code < 400 ? hash(context.operation?.resource, usage?.model) : 0)
        var counts = UsageReport.Counts()
        counts.requests = 1
        counts.errors = code >= 400 ? 1 : 0
        counts.upstreamCalls = context.upstreamMicroseconds == nil ? 0 : 1
        counts.bytesIn = Int64(exchange.receivedBytes)
        counts.bytesOut = Int64(exchange.sentBytes)
        counts.tokensIn = usage?.input ?? 0
        counts.tokensOut = usage?.output ?? 0
        if let place = places[mark] ?? placeWithoutResource(mark) {
            lines[place].counts.add(counts)
        } else {
            begin(mark, mark.resource == 0 ? "" : text(context.operation?.resource, usage?.model), counts)
        }
    }

    /// Where a new line is counted while too many wait already; nil where there is room, or no such line.
    private func placeWithoutResource(_ mark: Mark) -> Int? {
        guard lines.count >= Self.most else { return nil }
        return places[Mark(day: mark.day, publicID: mark.publicID, action: mark.action, resource: 0)]
    }

    private func begin(_ mark: Mark, _ resource: String, _ counts: UsageReport.Counts) {
        guard lines.count < 2 * Self.most else { return }
        let hasRoom = lines.count < Self.most
        places[
            Mark(
                day: mark.day, publicID: mark.publicID, action: mark.action, resource: hasRoom ? mark.resource : 0)] =
            lines.count
        lines.append(
            UsageReport.Line(
                subject: .init(
                    day: mark.day, publicID: mark.publicID, action: mark.action.name,
                    resource: hasRoom ? resource : ""),
                counts: counts))
        if lines.count >= Self.most {
            send()
        } else if !isWaiting {
            isWaiting = true
            report.start(milliseconds: Self.reportMilliseconds)
        }
    }

    /// 0: it has none.
    private func hash(_ resource: HubResource?, _ model: String?) -> Int {
        var hasher = Hasher()
        if let model {
            hasher.combine(model)
        } else {
            guard let resource, resource.form == .repo || resource.form == .model else { return 0 }
            resource.hashNames(into: &hasher)
        }
        return hasher.finalize() | 1
    }

    /// Without characters that names cannot have: it is printed on terminals.
    private func text(_ resource: HubResource?, _ model: String?) -> String {
        guard let resource = model.map(HubResource.init(model:)) ?? resource else { return "" }
        // ASCII, by bytes: counting characters costs a hundred times as much.
        let text = resource.description.utf8.dropFirst(resource.form == .model ? Self.modelPrefix.utf8.count : 0)
        return String(decoding: text.prefix(UsageReport.longestText), as: UTF8.self)
    }

    /// Reports what came since the last report; also called at the end.
    func send() {
        isWaiting = false
        guard unanswered < Self.mostUnanswered else {
            isWaiting = !lines.isEmpty
            return report.start(milliseconds: Self.reportMilliseconds)
        }
        var told = lines[...]
        lines = []
        places.removeAll(keepingCapacity: true)
        while !told.isEmpty {
            unanswered += 1
            client.append(UsageReport(first: &told).record) { [weak self] _ in self?.unanswered -= 1 }
        }
    }
}

extension RequestContext {
    /// The action under which it is added up.
    fileprivate var act: HubAction {
        if let operation { return operation.action }
        return switch route {
        case .account: .account
        case .createRepo: .create
        case .updateRepo: .settings
        case .deleteRepo: .delete
        // Bytes of files by a signed address.
        case .content: .read
        default: .other
        }
    }
}
