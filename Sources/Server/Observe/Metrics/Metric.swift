/// What is measured, by name in the code; `MetricsTable` has the rest. The order is that of nothing outside this process.
enum Metric: Int, CaseIterable, Sendable {
    case requests, requestsCut, requestsShared, requestsInFlight, requestSeconds, refusals, bufferedBodyBytes
    case connections, connectionsOpen, connectionsRefused, acceptPauses, receivedBytes, sentBytes
    case handshakes, certificateExpiry
    case upstreamCalls, upstreamCallsInFlight, upstreamPlaces, upstreamCallsQueued, upstreamCallsRefused
    case upstreamUses, upstreamReceivedBytes, upstreamSentBytes
    case upstreamFirstByteSeconds, upstreamSeconds, escapes
    case buildInfo, workers, workerRestarts, droppedLogLines
    case startTime, cpuSeconds, residentBytes, openDescriptors, maxDescriptors
}
