/// Where traces go.
extension SettingsTable {
    static let traces = Group(
        title: "Traces",
        settings: [
            Setting(
                "otlp_endpoint", \.otlpEndpoint, .otlpEndpointOrNothing,
                "The receiver of traces, by OTLP over HTTP in JSON; /v1/traces is added to its path where that is not its end.",
                default: "none: no traces are exported", sample: "http://127.0.0.1:4318"),
            Setting(
                "otlp_headers", \.otlpHeaders, .otlpHeadersOrNothing,
                "Header fields for the receiver, such as its key; what is no letter, digit or - . _ ~ in a value is percent-encoded.",
                secret: true, default: "none", refusals: headersRefusals),
            Setting(
                "otlp_headers_file", \.otlpHeadersFile, .pathOrNothing,
                "A file that holds otlp_headers and nothing else.", default: "none",
                sample: "/run/secrets/otlp_headers"),
            Setting(
                "otlp_sample", \.otlpSample, .sampleShare,
                "The share of the traces that begin here which is recorded; a trace of a client is recorded if its traceparent says so."
            ),
        ])

    private static let headersRefusals: [SettingSource: String] = [
        .flag: "these fields are not accepted here, where every user of the machine can read them in the process list; "
            + "use otlp_headers_file or the environment variable HUBGATE_OTLP_HEADERS",
        .file: "these fields are not accepted here, in a file that gets copied, shown and committed; "
            + "put them in a file of their own and name that with otlp_headers_file",
    ]
}
