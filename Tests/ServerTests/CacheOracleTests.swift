@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Two workers' caches, each for itself or with memory that they share, before a Hub that a model knows all about: whatever is read, written through the gateway and behind its back, reloaded and
/// broken, in whatever order, an answer is never older than promised, never somebody else's, and never from before a write that its reader may
/// have seen.
@Suite(.live)
struct CacheOracleTests {
    @Test(
        "Nothing that is given out is older than promised, of another partition, or from before a write that went through",
        arguments: [false, true])
    @EventLoop
    func neverStalerThanSaid(shares: Bool) async throws {
        var seen: [Seen: Int] = [:]
        for seed in 1...8 {
            let world = World(seed: UInt64(seed), shares: shares)
            for _ in 0..<60 {
                for _ in 0..<25 { try world.step() }
                // Other tests use the loop, too.
                await Task.yield()
            }
            seen.merge(world.seen) { $0 + $1 }
        }
        // Runs that never hit, never revalidate or never stand in show nothing.
        for what in Seen.allCases where shares || what != .taken { #expect(seen[what] ?? 0 > 4, "\(what)") }
    }
}

private enum Seen: CaseIterable {
    case hit, stale, fetched, validated, standIn, immutable, written, reloaded
    /// Given out by one worker, and fetched by the other.
    case taken
}

/// What the Hub says of a repository at a time, and to whom.
private struct Content: Equatable {
    var repository: Int
    var version: Int
    var reader: Int
    var language: String
    var shape: Int

    var bytes: [UInt8] { Array("\(repository) \(version) \(reader) \(language) \(shape)".utf8) }

    init(_ repository: Int, _ version: Int, _ reader: Int, _ language: String, _ shape: Int) {
        (self.repository, self.version, self.reader) = (repository, version, reader)
        (self.language, self.shape) = (language, shape)
    }

    init?(_ bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
        guard words.count == 5, let repository = Int(words[0]), let version = Int(words[1]), let reader = Int(words[2]),
            let shape = Int(words[4])
        else { return nil }
        self.init(repository, version, reader, words[3], shape)
    }
}

@EventLoop
private final class World {
    private struct Repository {
        /// When each version came, in milliseconds; the last is the present one.
        var since = [0]
        /// The newest whose writer has been told.
        var told = 0
        /// Those that the Hub has and whose writer has not been told yet.
        var untold: [Int] = []

        var version: Int { since.count - 1 }
        func version(at time: Int) -> Int { (since.lastIndex { $0 <= time }) ?? 0 }
        /// When another took its place; nil: it is the present one.
        func end(of version: Int) -> Int? { version + 1 < since.count ? since[version + 1] : nil }
    }

    private struct Read {
        let worker: Int
        let reader: Int
        let repository: Int
        let language: String
        let directive: String?
        /// Of a file by its commit.
        let commit: Int?
        let asked: Int
        /// At that time.
        let told: Int
    }

    private struct Call {
        let write: CacheWrite
        let read: Read
        let began: Int
        let shape: Int
        /// No client waits for it.
        let isBackground: Bool
    }

    private static let readers = [
        Principal(
            authority: .gateway(nil), partition: .key(1, token: 0), account: .gateway(token: 0), isAmbient: false),
        Principal(
            authority: .gateway(nil), partition: .key(2, token: 0), account: .gateway(token: 0), isAmbient: false),
        Principal(
            authority: .client(Credential("Bearer hf_a")), partition: .client(Credential("Bearer hf_a")),
            account: .client(Credential("Bearer hf_a")), isAmbient: false),
        Principal(authority: .client(nil), partition: .client(nil), account: .client(nil), isAmbient: false),
    ]
    /// Readers with the same number are the same account to the Hub.
    private static let accounts = [0, 0, 2, 3]

    private var generator: SplitMix
    private var now = 1_000_000
    private var settings = Settings()
    private let epochs = WriteEpochs()
    private var caches: [ResponseCache] = []
    private var shape = 0
    private var repositories = [Repository](repeating: Repository(), count: 2)
    private var calls: [Call] = []
    private var isDown = false
    var seen: [Seen: Int] = [:]

    init(seed: UInt64, shares: Bool) {
        generator = SplitMix(seed: seed)
        settings.cacheMemory = .bytes(40_000)
        settings.metadataTTL = .seconds(3)
        settings.metadataStale = .seconds(4)
        settings.staleIfError = .seconds(30)
        // So small that what is old is written over.
        let others = shares ? SharedResponses(bytes: 8192) : nil
        caches = (0..<2).map { _ in ResponseCache(settings, epochs: epochs, metrics: Metrics(), others: others) }
    }

    private func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }
    private func instant(_ time: Int) -> MonotonicInstant { MonotonicInstant(nanoseconds: UInt64(time) * 1_000_000) }
    private func note(_ what: Seen) { seen[what, default: 0] += 1 }

    func step() throws {
        now += [0, 0, 5, 40, 300, 900][pick(0..<6)]
        // A call has a time limit.
        if let first = calls.first, now - first.began > 5000 { try complete(calls.removeFirst()) }
        switch pick(0..<100) {
        case ..<45: try read()
        case ..<80: if !calls.isEmpty { try complete(calls.remove(at: pick(0..<calls.count))) }
        case ..<84: beginWrite()
        case ..<90: endWrite()
        case ..<94: repositories[pick(0..<2)].since.append(now)
        case ..<98: isDown = pick(0..<3) == 0
        default: reload()
        }
    }

    // MARK: writes and reloads

    private func beginWrite() {
        let repository = pick(0..<2)
        repositories[repository].since.append(now)
        repositories[repository].untold.append(repositories[repository].version)
    }

    private func endWrite() {
        guard let repository = repositories.indices.first(where: { !repositories[$0].untold.isEmpty }) else { return }
        let version = repositories[repository].untold.removeFirst()
        // Now and then an operation whose effect is unknown.
        if pick(0..<8) == 0 {
            CacheChange(ofAny: epochs).apply()
        } else {
            epochs.changed(HubResource(kind: .model, owner: "ACME", name: "r\(repository)"))
        }
        repositories[repository].told = max(repositories[repository].told, version)
        note(.written)
    }

    private func reload() {
        if pick(0..<2) == 0 {
            settings.xet = settings.xet == .carry ? .hide : .carry
            // What was kept in one shape is right again in the same.
            shape = settings.xet == .carry ? 0 : 1
        }
        settings.metadataTTL = .seconds(pick(1..<6))
        settings.cacheMemory = .bytes([40_000, 12_000, 90_000][pick(0..<3)])
        for cache in caches { cache.use(settings) }
        note(.reloaded)
    }

    // MARK: reads

    private func read() throws {
        let (repository, commit) = (pick(0..<2), pick(0..<4) == 0)
        let read = Read(
            worker: pick(0..<2), reader: pick(0..<4), repository: repository, language: pick(0..<6) == 0 ? "fr" : "de",
            directive: [nil, nil, nil, nil, nil, nil, nil, "no-cache", "max-age=2", "max-age=0"][pick(0..<10)],
            commit: commit ? max(0, repositories[repository].version - pick(0..<2)) : nil, asked: now,
            told: repositories[repository].told)
        let (request, context) = try message(of: read)
        switch caches[read.worker].find(request, context, hasBody: false, at: instant(now)) {
        case .bypass, .absent: Issue.record("the cache has to do with all of these")
        case .hit(let kept):
            note(read.commit == nil ? .hit : .immutable)
            if kept.response.headers["X-Worker"] != "\(read.worker)" { note(.taken) }
            check(kept, read)
        case .stale(let kept, let write):
            note(.stale)
            check(kept, read)
            calls.append(Call(write: write, read: read, began: now, shape: shape, isBackground: true))
        case .fetch(let write):
            calls.append(Call(write: write, read: read, began: now, shape: shape, isBackground: false))
        }
    }

    private func message(of read: Read) throws -> (Request, RequestContext) {
        let path =
            read.commit.map { "/acme/r\(read.repository)/resolve/\(Self.hash($0))/f" }
            ?? "/api/models/acme/r\(read.repository)"
        var headers: Headers = ["Host": "gate", "Accept-Language": read.language]
        if let directive = read.directive { headers.append("Cache-Control", directive) }
        let target = try Target(path)
        let context = RequestContext(id: .next(), address: "")
        (context.principal, context.target) = (Self.readers[read.reader], target)
        return (Request(method: .get, target: target, headers: headers, body: []), context)
    }

    private static func hash(_ version: Int) -> String {
        let digits = String(version, radix: 16)
        return String(repeating: "0", count: 40 - digits.count) + digits
    }

    /// The Hub's answer is of any moment since it was asked.
    private func complete(_ call: Call) throws {
        let (write, read) = (call.write, call.read)
        defer { write.ended() }
        let (request, _) = try message(of: read)
        let repository = repositories[read.repository]
        let version = read.commit ?? repository.version(at: [call.began, now, pick(call.began..<now + 1)][pick(0..<3)])
        var sent: Headers = [:]
        write.makeConditional(&sent)
        if isDown || pick(0..<6) == 0 {
            let replaced =
                pick(0..<2) == 0
                ? write.replacement(for: .hubUnreachable("it is down"), at: instant(now))
                : write.replacement(for: head(.serviceUnavailable, [:]), led: [:], at: instant(now))
            guard let (kept, _) = replaced else { return }
            note(.standIn)
            if !call.isBackground { check(kept, read, standsIn: true) }
            return
        }
        let content = Content(read.repository, version, Self.accounts[read.reader], read.language, call.shape)
        let etag = "\"\(version) \(read.language) \(Self.accounts[read.reader])\""
        if sent["If-None-Match"] == etag {
            let answer = head(.notModified, ["ETag": etag])
            guard let (kept, status) = write.replacement(for: answer, led: answer.headers, at: instant(now)) else {
                Issue.record("a 304 to our own condition has to be one")
                return
            }
            #expect(status == .validated)
            note(.validated)
            if !call.isBackground { check(kept, read) }
            return
        }
        let fields: Headers = ["ETag": etag, "Vary": "Accept-Language", "X-Worker": "\(read.worker)"]
        #expect(write.replacement(for: head(.ok, fields), led: fields, at: instant(now)) == nil)
        note(.fetched)
        let response = RecordedResponse(
            status: .ok, headers: fields, length: content.bytes.count, content: content.bytes)
        if write.limit(.ok, fields, length: content.bytes.count, to: request) != nil {
            write.keep(response, to: request)
        }
    }

    private func head(_ status: Status, _ headers: Headers) -> Transfer.Head {
        Transfer.Head(status: status, headers: headers)
    }

    // MARK: what was promised

    private func check(_ kept: CachedResponse, _ read: Read, standsIn: Bool = false) {
        guard let content = Content(kept.response.content) else {
            Issue.record("what is kept is not what was stored")
            return
        }
        let repository = repositories[read.repository]
        #expect(content.repository == read.repository && content.language == read.language)
        #expect(content.reader == Self.accounts[read.reader], "across partitions")
        if read.asked == now {
            #expect(content.shape == shape, "from before a reload that makes another response of it")
        }
        if let commit = read.commit {
            #expect(content.version == commit)
            return
        }
        #expect(content.version >= read.told, "from before a write whose writer knew of it")
        guard let end = repository.end(of: content.version) else { return }
        let times = caches[read.worker].times
        let bound = times.fresh + (standsIn ? times.onError : times.stale)
        #expect(read.asked - end <= (bound + 1) * 1000, "older than promised")
        guard !standsIn else { return }
        if read.directive == "max-age=2" { #expect(read.asked - end <= 3000, "older than its reader wants") }
        if read.directive == "no-cache" || read.directive == "max-age=0" {
            #expect(end > read.asked, "not what the Hub says now")
        }
    }
}
