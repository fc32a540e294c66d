import EventIO
import HTTP
import Hub

/// Sends spans to a receiver by OTLP over HTTP, one batch at a time: every five seconds, or as soon as a batch is full. No request waits for it.
///
/// It has connections of its own: those to the Hub are counted, and a slow receiver must take none of them.
@EventLoop
final class SpanExporter {
    /// Where the spans go.
    struct Receiver {
        let url: String
        /// For the log: without a path.
        let origin: String
        let headers: OTLPHeaders?
        let trust: TransferPool.Trust
        let nameServer: String?

        private static let path = "/v1/traces"

        init(_ address: UpstreamAddress, headers: OTLPHeaders?, trust: TransferPool.Trust, nameServer: String?) {
            let base = address.description
            url = base.hasSuffix(Self.path) ? base : base + Self.path
            origin = address.origin
            self.headers = headers
            self.trust = trust
            self.nameServer = nameServer
        }
    }

    /// In milliseconds.
    private static let interval: UInt64 = 5_000
    private static let firstPause: UInt64 = 1_000
    private static let longestPause: UInt64 = 30_000
    private static let longestRetryAfter = 300
    /// How often a batch is sent before it is given up.
    private static let mostAttempts = 6
    /// How long the end of the gateway waits for it.
    private static let lastMilliseconds: UInt64 = 2_000
    private static let limits = Transfer.Limits(connect: 5_000, firstByte: 10_000, stall: 5_000)

    private let receiver: Receiver
    private let queue: SpanQueue
    private let metrics: Metrics
    private let warn: (String) -> Void
    private var proxy: TransferPool.Proxy?
    private var pool: TransferPool?
    private var underWay: SpanQueue.Batch?
    private var attempts = 0
    /// Since the last success.
    private var failures = 0
    private var isFailing = false
    private var isRejecting = false
    private var isTicking = false
    /// The present batch waits to be sent again.
    private var isPausing = false
    private var isEnding = false
    private lazy var ticker = Timer { [weak self] in self?.tick() }
    private lazy var pause = Timer { [weak self] in self?.send() }

    /// `warn` gets a line for the log where something changes.
    init(_ receiver: Receiver, from queue: SpanQueue, metrics: Metrics, warn: @escaping (String) -> Void) {
        self.receiver = receiver
        self.queue = queue
        self.metrics = metrics
        self.warn = warn
        queue.onSpan = { [weak self] isFull in
            guard let self else { return }
            if isFull { EventLoop.post { self.next() } } else { self.startTicking() }
        }
    }

    func use(_ proxy: TransferPool.Proxy?) {
        self.proxy = proxy
        pool?.use(proxy)
    }

    private func startTicking() {
        guard !isTicking, !isEnding else { return }
        isTicking = true
        ticker.start(milliseconds: Self.interval)
    }

    private func tick() {
        isTicking = false
        next()
    }
}

// MARK: a batch

extension SpanExporter {
    private func next() {
        guard underWay == nil, let batch = queue.take() else { return }
        underWay = batch
        attempts = 0
        send()
    }

    private func send() {
        isPausing = false
        guard let batch = underWay else { return }
        attempts += 1
        guard let pool = opened() else { return took(.notNow("no connection can be made", after: nil)) }
        var headers = receiver.headers?.headers ?? [:]
        headers.append("Content-Type", "application/json")
        headers.append("Accept", "application/json")
        if !headers.contains("User-Agent") { headers.append("User-Agent", "hubgate/\(Version.number)") }
        let receipt = SpanReceipt { [weak self] in self?.took($0) }
        let transfer = pool.start(
            Request(method: .post, target: .root, headers: headers), body: batch.body, url: receiver.url,
            limits: Self.limits, sink: receipt)
        receipt.watch(transfer)
    }

    /// The pool, which is made for the first batch.
    private func opened() -> TransferPool? {
        if pool == nil {
            pool = try? TransferPool(trust: receiver.trust, dnsServer: receiver.nameServer, connections: 1)
            pool?.use(proxy)
        }
        return pool
    }

    private func took(_ verdict: SpanReceipt.Verdict) {
        guard let batch = underWay else { return }
        switch verdict {
        case .taken(let rejected, let message):
            let rejected = min(rejected, batch.count)
            count(.sent, batch.count - rejected)
            count(.rejected, rejected)
            works(rejected: rejected, message)
        case .never(let reason):
            fails(reason)
            count(.failed, batch.count)
        case .notNow(let reason, let seconds):
            fails(reason)
            if attempts < Self.mostAttempts, !isEnding { return wait(seconds) }
            count(.failed, batch.count)
        }
        underWay = nil
        // After a failure the next batch waits for its time.
        if isEnding || queue.hasFullBatch && failures == 0 { next() } else if !queue.isEmpty { startTicking() }
    }

    /// Twice as long each time, and a little different for each gateway; or as long as the receiver says.
    private func wait(_ seconds: Int?) {
        isPausing = true
        if let seconds, seconds >= 0 {
            return pause.start(milliseconds: UInt64(min(seconds, Self.longestRetryAfter)) * 1000)
        }
        let longest = min(Self.longestPause, Self.firstPause << UInt64(min(failures - 1, 8)))
        pause.start(milliseconds: .random(in: longest / 2...longest))
    }

    private func count(_ fate: MetricLabels.SpanFate, _ count: Int) {
        if count > 0 { metrics.add(.traceSpans, at: fate.rawValue, UInt64(count)) }
    }
}

// MARK: log lines

extension SpanExporter {
    private func fails(_ reason: String) {
        failures += 1
        guard !isFailing else { return }
        isFailing = true
        warn(
            "otlp_endpoint: traces do not get to \(receiver.origin): \(reason). Requests are served all the same; "
                + "hubgate_trace_spans_total counts what is lost.")
    }

    private func works(rejected: Int, _ message: String) {
        failures = 0
        if isFailing {
            isFailing = false
            warn("otlp_endpoint: traces get to \(receiver.origin) again.")
        }
        guard (rejected > 0) != isRejecting else { return }
        isRejecting = rejected > 0
        if isRejecting { warn("otlp_endpoint: \(receiver.origin) rejects \(rejected) spans: \(message.shown)") }
    }
}

// MARK: the end

extension SpanExporter {
    /// Sends the waiting spans, for a moment at most.
    func stop() async {
        isEnding = true
        ticker.stop()
        pause.stop()
        if isPausing { send() } else { next() }
        let began = MonotonicInstant.now
        while underWay != nil, MonotonicInstant.now.milliseconds(since: began) < Self.lastMilliseconds {
            await EventLoop.sleep(milliseconds: 5)
        }
        close()
        while pool?.isIdle == false { await EventLoop.sleep(milliseconds: 1) }
    }

    func close() {
        isEnding = true
        if let batch = underWay.take() { count(.failed, batch.count) }
        while let batch = queue.take() { count(.failed, batch.count) }
        pool?.close()
    }
}
