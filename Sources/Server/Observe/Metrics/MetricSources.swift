import EventIO
import Glibc
import HTTP

/// Parts of the gateway that keep their own numbers. They are asked when the page of metrics is, and not before.
@EventLoop
struct MetricSources {
    let listeners: [Listener]
    let pool: TransferPool
    let admission: CallAdmission
    let broker: RateBroker
    let drainState: DrainState
    let log: AccessLog
    /// Nil except with `access = keys`.
    let quotas: KeyQuotas?

    func report(to metrics: Metrics) {
        Listener.report(listeners, to: metrics)
        pool.report(to: metrics)
        admission.report(to: metrics)
        broker.report(to: metrics)
        quotas?.report(to: metrics)
        metrics.set(.requestsInFlight, to: drainState.inFlight)
        metrics.set(.bufferedBodyBytes, to: listeners.reduce(0) { $0 + $1.budget.held })
        // A figure of the whole gateway, which must not be summed over workers.
        if metrics.isWhole {
            metrics.set(.certificateExpiry, to: (listeners.first?.certificateExpires ?? 0) * 1_000_000)
        }
        metrics.set(.droppedLogLines, to: log.droppedLines)
        metrics.set(.cpuSeconds, to: ProcessFacts.cpuMicroseconds)
        metrics.set(.residentBytes, to: ProcessFacts.residentBytes)
        metrics.set(.openDescriptors, to: ProcessFacts.openDescriptors)
        metrics.set(.maxDescriptors, to: ProcessFacts.maxDescriptors)
    }
}

extension CallAdmission {
    /// Puts the number of its taken places into the metrics.
    func report(to metrics: Metrics) {
        metrics.set(.upstreamPlaces, at: MetricLabels.Occupancy.working, to: ledger.working)
        metrics.set(.upstreamPlaces, at: MetricLabels.Occupancy.waitingForClient, to: ledger.waitingForClients)
        metrics.set(.upstreamCallsQueued, to: ledger.queued)
        metrics.set(.upstreamCallsRefused, to: refusals)
    }
}

extension KeyQuotas {
    /// Puts the number of requests that limits have refused into the metrics.
    func report(to metrics: Metrics) {
        for (place, count) in refusals.enumerated() { metrics.set(.keyLimitRefusals, at: place, to: count) }
    }
}

extension TransferPool {
    /// Puts the counts of this pool into the metrics.
    func report(to metrics: Metrics) {
        guard let counts else { return }
        metrics.set(.upstreamCalls, at: MetricLabels.Outcome.whole, to: counts.whole)
        metrics.set(.upstreamCalls, at: MetricLabels.Outcome.unreachable, to: counts.unreachable)
        metrics.set(.upstreamCalls, at: MetricLabels.Outcome.tooSlow, to: counts.tooSlow)
        metrics.set(.upstreamCalls, at: MetricLabels.Outcome.broken, to: counts.broken)
        metrics.set(.upstreamCalls, at: MetricLabels.Outcome.cancelled, to: counts.cancelled)
        metrics.set(.upstreamCallsInFlight, to: counts.inFlight)
        metrics.set(.upstreamUses, at: MetricLabels.Use.new, to: counts.overNew)
        metrics.set(.upstreamUses, at: MetricLabels.Use.kept, to: counts.overKept)
        metrics.set(.upstreamReceivedBytes, to: counts.receivedBytes)
        metrics.set(.upstreamSentBytes, to: counts.sentBytes)
    }
}

extension Listener {
    /// Puts the counts of these listeners into the metrics.
    static func report(_ listeners: [Listener], to metrics: Metrics) {
        let counts = counts(listeners)
        metrics.set(.connections, to: counts.connections)
        metrics.set(.connectionsOpen, to: counts.connectionsOpen)
        metrics.set(.connectionsRefused, at: MetricLabels.Refusal.address, to: counts.refusedByAddress)
        metrics.set(.connectionsRefused, at: MetricLabels.Refusal.records, to: counts.closedByRecords)
        metrics.set(.connectionsRefused, at: MetricLabels.Refusal.proxyHeader, to: counts.proxyHeadersMalformed)
        metrics.set(.connectionsRefused, at: MetricLabels.Refusal.proxyHeaderLate, to: counts.proxyHeadersLate)
        metrics.set(.proxyHeaders, to: counts.proxyHeaders)
        metrics.set(.acceptPauses, at: MetricLabels.Pause.limit, to: counts.pausesByLimit)
        metrics.set(.acceptPauses, at: MetricLabels.Pause.handshakes, to: counts.pausesByHandshakes)
        metrics.set(.acceptPauses, at: MetricLabels.Pause.error, to: counts.pausesByError)
        metrics.set(.handshakes, at: MetricLabels.Handshake.full, to: counts.handshakesFull)
        metrics.set(.handshakes, at: MetricLabels.Handshake.resumed, to: counts.handshakesResumed)
        metrics.set(.handshakes, at: MetricLabels.Handshake.failed, to: counts.handshakesFailed)
        metrics.set(.handshakes, at: MetricLabels.Handshake.abandoned, to: counts.handshakesAbandoned)
        metrics.set(.receivedBytes, to: counts.receivedBytes)
        metrics.set(.sentBytes, to: counts.sentBytes)
    }
}

/// What the kernel knows of this process. It is asked each time; a figure that it does not give is 0.
enum ProcessFacts {
    /// Of all threads, in user and system mode.
    static var cpuMicroseconds: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }

    static var residentBytes: Int {
        // proc_pid_statm(5): the second number is the resident pages.
        let words = firstBytes(of: "/proc/self/statm").split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
    }

    static var openDescriptors: Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // `.`, `..`, and the descriptor of this directory itself.
        return count - 3
    }

    static var maxDescriptors: UInt64 {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }

    private static func firstBytes(of path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            let count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            return unsafe String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        }
    }
}
