/// Those who count by themselves, or can be asked how things are: they are, when the page of metrics is, and not before.
@EventLoop
struct MetricSources {
    let listeners: [Listener]
    let pool: TransferPool
    let admission: CallAdmission
    let lifecycle: Lifecycle
    let log: AccessLog

    func report(to metrics: Metrics) {
        Listener.report(listeners, to: metrics)
        pool.report(to: metrics)
        admission.report(to: metrics)
        metrics.set(.requestsInFlight, to: lifecycle.inFlight)
        metrics.set(.bufferedBodyBytes, to: listeners.reduce(0) { $0 + $1.budget.held })
        // Of the gateway, not a figure that could be added up.
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
