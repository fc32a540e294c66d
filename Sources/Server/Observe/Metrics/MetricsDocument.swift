import HTTP

/// docs/METRICS.md, printed from the table.
enum MetricsDocument {
    static let text = introduction + MetricsTable.groups.map(section).joined() + values + watching

    private static let introduction = """
        # Metrics

        Printed by `hubgate --print-docs metrics` from the table in `Sources/Server/Observe/Metrics/MetricsTable.swift`.

        `GET /-/metrics` answers in Prometheus' text format, version 0.0.4. Every series is there from the start, at 0,
        so a rate never misses a first event; labels have the values below and no others, never a path or anything else
        that a client sent. With several workers each figure is the sum of all, whichever of them is asked; connections,
        bytes, calls to the Hub, CPU and memory of the others are up to a second old. Whoever reaches the gateway can read the page; with `admin_listen` the endpoints below `/-/`
        are on an address of their own and nowhere else.

        ```yaml
        scrape_configs:
          - job_name: hubgate
            scheme: https
            metrics_path: /-/metrics
            tls_config: {ca_file: certs/ca.pem}
            static_configs: [{targets: ["localhost:8080"]}]
        ```

        """

    private static func section(_ group: MetricsTable.Group) -> String {
        let head = """

            ## \(group.title)

            | Metric | Type | Labels | Meaning |
            |---|---|---|---|

            """
        return head
            + group.rows.map { row in
                let labels = row.labels.map { "`\($0.name)`" }.joined(separator: ", ")
                return "| `\(row.name)` | \(row.kind.rawValue) | \(labels) | \(row.help) |\n"
            }.joined()
    }

    private static let values: String = {
        let bounds = MetricRow.bounds.map(\.asSeconds).joined(separator: ", ")
        let head = """

            ## Labels

            Buckets of the histograms end at \(bounds) seconds, and above.


            """
        let labels = MetricsTable.all.flatMap { row in row.labels.map { (row, $0) } }
        return head
            + labels.map { row, label in
                let values = label.meaning ?? label.values.map { "`\($0)`" }.joined(separator: ", ")
                return "- `\(label.name)` of `\(row.name)`: \(values)\n"
            }.joined()
    }()

    private static let watching = """

        ## What to watch

        | Question | PromQL |
        |---|---|
        | Are answers failing, and is it us? | `sum by (route) (rate(hubgate_requests_total{status="5xx"}[5m]))` |
        | Is the Hub failing? | `sum by (outcome) (rate(hubgate_upstream_calls_total{outcome!~"whole\\|cancelled"}[5m]))` |
        | How slow is the Hub? | `histogram_quantile(0.99, rate(hubgate_upstream_first_byte_seconds_bucket[5m]))` |
        | Are connections reused? | `rate(hubgate_upstream_connection_uses_total{connection="kept"}[5m])` |
        | Are calls to the Hub scarce? | `hubgate_upstream_calls_queued > 0 or rate(hubgate_upstream_calls_refused_total[5m]) > 0` |
        | Is a client probing? | `sum by (rule) (rate(hubgate_refused_requests_total[5m]))` |
        | Does the certificate end soon? | `hubgate_tls_certificate_expiry_timestamp_seconds - time() < 7 * 86400` |
        | Are limits near? | `rate(hubgate_accept_pauses_total{reason!="handshakes"}[5m]) > 0 or process_open_fds / process_max_fds > 0.8` |
        | Do workers die? | `rate(hubgate_worker_restarts_total[15m]) > 0` |
        | With an audit: are changes refused because it cannot be written? | `hubgate_audit_up == 0` |
        | With an audit: is there an act whose outcome is unknown? | `increase(hubgate_audit_records_total{kind="unknown"}[1h]) > 0` |
        | Do log lines get lost? | `rate(hubgate_log_dropped_lines_total[5m]) > 0` |

        """
}
