import EventIO
import Hub

/// THE table of metrics. The page `/-/metrics`, docs/METRICS.md and the layout of the counters all come from it.
enum MetricsTable {
    struct Group: Sendable {
        let title: String
        let rows: [MetricRow]
    }

    static let groups = [requests, clients, keys, hub, budget, cache, files, peers, process]
    static let all = groups.flatMap(\.rows)

    /// The places, among those of routes, of a request that no endpoint answers, and of one that is not even a request.
    static let noRoute = Route.Name.allCases.count
    static let refusedRoute = noRoute + 1
    private static let route = MetricLabel(
        "route", Route.Name.allCases.map { "\($0)".snakeCased } + ["none", "refused"])

    private static let requests = Group(
        title: "Requests",
        rows: [
            MetricRow(
                .requests, "hubgate_requests_total", .counter,
                "Requests that have ended, by endpoint (relay: any path of the Hub; inference: below /v1; content: signed "
                    + "URLs of its stores; client_probe: what clients ask of their own accord; none: no endpoint, or turned away before "
                    + "one was looked for; refused: not HTTP as the parser accepts it) and by their response's status.",
                by: [route, MetricLabel("status", MetricLabels.Answer.self)]),
            MetricRow(
                .requestsCut, "hubgate_requests_cut_total", .counter,
                "Requests whose answer did not go out whole: the client left, or the Hub's response broke off."),
            MetricRow(
                .requestsShared, "hubgate_requests_shared_total", .counter,
                "Requests that were answered by the call of an identical request at the same time, and not by one of their own."
            ),
            MetricRow(.requestsInFlight, "hubgate_requests_in_flight", .gauge, "Requests being answered now."),
            MetricRow(
                .requestSeconds, "hubgate_request_duration_seconds", .histogram,
                "Time from a request's head to the end of its response, downloads included.",
                unit: .microseconds, by: [route]),
            MetricRow(
                .refusals, "hubgate_refused_requests_total", .counter,
                "Requests that break HTTP, or came too slowly, by the rule that they break.",
                by: [MetricLabel("rule", ParserRules.names)]),
            MetricRow(
                .bufferedBodyBytes, "hubgate_buffered_body_bytes", .gauge,
                "Memory of request bodies that are collected whole; buffered_limit is the most."),
        ])

    private static let clients = Group(
        title: "Clients",
        rows: [
            MetricRow(.connections, "hubgate_connections_total", .counter, "Connections accepted."),
            MetricRow(.connectionsOpen, "hubgate_connections", .gauge, "Connections open now."),
            MetricRow(
                .connectionsRefused, "hubgate_connections_refused_total", .counter,
                "Connections closed for what they are (address: before the handshake, max_connections_per_address was reached; "
                    + "records: too many TLS records without a byte of a request; proxy_header: of trusted_proxies, and with proxy_protocol "
                    + "no well-formed header came first; proxy_header_late: nor within handshake_timeout).",
                by: [MetricLabel("reason", MetricLabels.Refusal.self)]),
            MetricRow(
                .proxyHeaders, "hubgate_proxy_headers_total", .counter,
                "Connections of trusted_proxies that began with a PROXY protocol header."),
            MetricRow(
                .acceptPauses, "hubgate_accept_pauses_total", .counter,
                "Times that new connections had to wait (limit: max_connections was reached; handshakes: 128 were under way, "
                    + "for 5 ms at most; error: the system had no more descriptors or memory).",
                by: [MetricLabel("reason", MetricLabels.Pause.self)]),
            MetricRow(
                .receivedBytes, "hubgate_received_bytes_total", .counter,
                "Bytes from clients on the wire, TLS included."),
            MetricRow(.sentBytes, "hubgate_sent_bytes_total", .counter, "Bytes to clients on the wire, TLS included."),
            MetricRow(
                .handshakes, "hubgate_tls_handshakes_total", .counter,
                "TLS handshakes with clients (failed: ended before it was done; abandoned: ended so, and the client never "
                    + "sent a byte).",
                by: [MetricLabel("result", MetricLabels.Handshake.self)]),
            MetricRow(
                .certificateExpiry, "hubgate_tls_certificate_expiry_timestamp_seconds", .gauge,
                "When the gateway's certificate ends, in seconds since 1970.", unit: .microseconds),
        ])

    private static let keys = Group(
        title: "Keys",
        rows: [
            MetricRow(
                .keyRefusals, "hubgate_key_refusals_total", .counter,
                "Requests with no good key, in access by keys (foreign: another token than one of this gateway's; mistyped: "
                    + "its checksum is wrong).",
                by: [MetricLabel("reason", MetricLabels.KeyReason.self)]),
            MetricRow(
                .keyRateRefusals, "hubgate_key_rate_refusals_total", .counter,
                "Requests that got 429 because their key had made as many as its rate allows; the access log names the key."
            ),
            MetricRow(
                .keyLimitRefusals, "hubgate_key_limit_refusals_total", .counter,
                "Requests that were refused because a limit of their key was reached; the access log names the key.",
                by: [MetricLabel("limit", KeyLimit.allCases.map(\.settingName))]),
            MetricRow(.keys, "hubgate_keys", .gauge, "Keys that are not revoked; 0 in another access."),
            MetricRow(
                .keysInShadow, "hubgate_keys_in_shadow", .gauge,
                "Keys with --policy shadow, whose rules refuse nothing; those that the setting policy concerns are not counted."
            ),
            MetricRow(
                .shadowDecisions, "hubgate_shadow_requests_total", .counter,
                "Requests by keys whose rules refuse nothing (refused: the rules would have refused it).",
                by: [MetricLabel("decision", ["allowed", "refused"])]),
            MetricRow(
                .stateUp, "hubgate_state_up", .gauge,
                "1 while the state's database can be read and written. At 0 in access by keys, known keys go on, and no change "
                    + "of a key takes effect."),
            MetricRow(
                .stateRestarts, "hubgate_state_restarts_total", .counter,
                "State processes that were started in the place of one that had ended."),
            MetricRow(
                .auditUp, "hubgate_audit_up", .gauge,
                "1 while the audit can be written; 0 where there is none, too. At 0 with audit_dir, what changes something gets 503 "
                    + "AuditUnavailable, and reads go on."),
            MetricRow(
                .auditRecords, "hubgate_audit_records_total", .counter,
                "Lines of the audit that are on the disk (unknown: of acts whose outcome is not known).",
                by: [MetricLabel("kind", MetricLabels.AuditKind.self)]),
            MetricRow(
                .trashedRepos, "hubgate_trashed_repositories", .gauge,
                "Repositories that were deleted and can still be restored (delete_grace)."),
            MetricRow(
                .trashFailures, "hubgate_trash_failures_total", .counter,
                "Failed attempts to move, restore or delete one of them; they are repeated, and the log says why."),
        ])

    private static let cache = Group(
        title: "The cache",
        rows: [
            MetricRow(
                .cacheRequests, "hubgate_cache_requests_total", .counter,
                "Relayed requests by what part the cache had in them (hit: a fresh response from it; stale: a stale one, while it was "
                    + "revalidated; validated: the Hub said that the stored response is still good; stand_in: a stale one, since the Hub could "
                    + "not be reached; miss: fetched; bypass: not for a cache; collapsed: by the call of an identical request at the same time).",
                by: [MetricLabel("result", MetricLabels.CacheResult.self)]),
            MetricRow(
                .cacheSavedCalls, "hubgate_cache_saved_calls_total", .counter,
                "Requests for which the Hub was not asked, by the cache or by the call of another (hit, stale and collapsed of "
                    + "hubgate_cache_requests_total): so much of the rate limit is left for others."),
            MetricRow(
                .cacheBytes, "hubgate_cache_bytes", .gauge,
                "Memory of cached responses; cache_memory is the most."),
            MetricRow(.cacheResponses, "hubgate_cache_responses", .gauge, "Responses in the cache."),
            MetricRow(
                .cacheStored, "hubgate_cache_stored_total", .counter,
                "Times that a response was stored, or its stored copy renewed."),
            MetricRow(
                .cacheEvictions, "hubgate_cache_evictions_total", .counter,
                "Responses that were removed to make room."),
            MetricRow(
                .cacheTaken, "hubgate_cache_taken_total", .counter,
                "Responses that a worker took from the memory that all workers share: another had fetched them."),
            MetricRow(
                .cacheAwaited, "hubgate_cache_awaited_total", .counter,
                "Requests that waited for an identical call of another worker, and got its response."),
        ])

    private static let hub = Group(
        title: "The Hub",
        rows: [
            MetricRow(
                .upstreamCalls, "hubgate_upstream_calls_total", .counter,
                "Calls to the Hub that have ended (whole: answered, whatever the status; cancelled: the client left).",
                by: [MetricLabel("outcome", MetricLabels.Outcome.self)]),
            MetricRow(.upstreamCallsInFlight, "hubgate_upstream_calls_in_flight", .gauge, "Calls to the Hub now."),
            MetricRow(
                .upstreamPlaces, "hubgate_upstream_call_places", .gauge,
                "Places that calls hold now (working: upstream_connections is the most; waiting_for_client: its client sends "
                    + "or reads nothing, and others may begin).",
                by: [MetricLabel("state", MetricLabels.Occupancy.self)]),
            MetricRow(
                .upstreamCallsQueued, "hubgate_upstream_calls_queued", .gauge,
                "Requests that wait for a place now; upstream_queue is the most."),
            MetricRow(
                .upstreamCallsRefused, "hubgate_upstream_calls_refused_total", .counter,
                "Requests that got 503 because no place came free within connect_timeout, or too many waited."),
            MetricRow(
                .upstreamUses, "hubgate_upstream_connection_uses_total", .counter,
                "Calls that went out, by whether they opened a connection to the Hub or used a kept one.",
                by: [MetricLabel("connection", MetricLabels.Use.self)]),
            MetricRow(
                .upstreamReceivedBytes, "hubgate_upstream_received_bytes_total", .counter,
                "Bytes of content from the Hub, without heads and TLS."),
            MetricRow(
                .upstreamSentBytes, "hubgate_upstream_sent_bytes_total", .counter,
                "Bytes of content for the Hub, without heads and TLS."),
            MetricRow(
                .upstreamFirstByteSeconds, "hubgate_upstream_first_byte_seconds", .histogram,
                "Time from a call to the Hub to its response's head, connecting included.", unit: .microseconds),
            MetricRow(
                .upstreamSeconds, "hubgate_upstream_duration_seconds", .histogram,
                "Time from a call to the Hub to its end, however it ended.", unit: .microseconds),
            MetricRow(
                .leaks, "hubgate_upstream_leaks_total", .counter,
                "Answers that still name the Hub or a store where a client follows it, by where they do (body: a URL in "
                    + "JSON). Not zero: clients are led past the gateway.",
                by: [MetricLabel("place", MetricLabels.LeakPlace.self)]),
        ])

    private static let process = Group(
        title: "The process",
        rows: [
            MetricRow(
                .buildInfo, "hubgate_build_info", .gauge, "Always 1; the labels say what runs.",
                by: [MetricLabel("version", [Version.number], meaning: "hubgate's own")]
                    + ["libevent", "libcurl", "OpenSSL"].map {
                        MetricLabel($0.lowercased(), [Libraries.version(of: $0)], meaning: "that library's, as loaded")
                    }),
            MetricRow(.workers, "hubgate_workers", .gauge, "Processes that serve now."),
            MetricRow(
                .workerRestarts, "hubgate_worker_restarts_total", .counter,
                "Workers that were started in the place of one that had ended."),
            MetricRow(
                .droppedLogLines, "hubgate_log_dropped_lines_total", .counter,
                "Lines of the access log that its reader did not take in time."),
            MetricRow(
                .traceSpans, "hubgate_trace_spans_total", .counter,
                "Spans of traces, with otlp_endpoint, by what became of them (sent: the receiver has them; rejected: it took their batch without "
                    + "them; failed: it did not take their batch; dropped: too many waited for it).",
                by: [MetricLabel("result", MetricLabels.SpanFate.self)]),
            MetricRow(
                .startTime, "process_start_time_seconds", .gauge, "When the gateway started, in seconds since 1970.",
                unit: .microseconds),
            MetricRow(
                .cpuSeconds, "process_cpu_seconds_total", .counter, "CPU time used, in user and system mode.",
                unit: .microseconds),
            MetricRow(
                .residentBytes, "process_resident_memory_bytes", .gauge,
                "Memory in RAM; what workers share counts for each."),
            MetricRow(.openDescriptors, "process_open_fds", .gauge, "Open file descriptors."),
            MetricRow(.maxDescriptors, "process_max_fds", .gauge, "The most file descriptors that may be open."),
        ])
}
