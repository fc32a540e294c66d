import EventIO
import HTTP
import Hub

/// THE table of settings. Parsing, `--help`, docs/SETTINGS.md, config/hubgate.yaml and SAMPLE_ENV all come from it.
enum SettingsTable {
    struct Group: Sendable {
        let title: String
        let settings: [Setting]
    }

    static let groups = [listening, hub, budget, cache, peers, times, limits, logins, audit, operation, traces]
    static let all = groups.flatMap(\.settings)

    private static let listening = Group(
        title: "Listening",
        settings: [
            Setting(
                "listen", \.listen, .listenAddresses,
                "Where clients reach the gateway, over TLS; the limits are of all its addresses together."),
            Setting(
                "admin_listen", \.adminListen, .listenAddressOrNothing,
                "An address of its own for what begins with /-/ (health, metrics, the console and its API), which listen then does not serve.",
                default: "none: they are served at listen", sample: "127.0.0.1:9090"),
            Setting(
                "tls_cert", \.tlsCertificate, .path,
                "The certificate chain in PEM; give it together with tls_key.",
                reloadable: true, default: "certs/cert.pem, or /certs/cert.pem where only that one exists"),
            Setting(
                "tls_key", \.tlsKey, .path, "The certificate's private key in PEM.",
                reloadable: true, default: "key.pem beside the default tls_cert"),
            Setting(
                "access", \.access, .choice,
                "open: every client acts with the gateway's Hub token. passthrough: each client sends its own Hub token. keys: each client sends a gateway key (`hubgate keys create`).",
                default: "open on a loopback address; on any other it has to be chosen"),
            Setting(
                "policy", \.policy, .choice,
                "With shadow the rules of gateway keys refuse nothing; what they would refuse is recorded for `hubgate keys suggest`.",
                reloadable: true),
            Setting(
                "protect", \.protect, .resourcePatterns,
                "Repositories that are deleted, moved or made public only by a request with X-Hubgate-Confirm: OWNER/NAME.",
                reloadable: true, default: "none", sample: "acme/prod-*"),
            deleteGrace,
            Setting(
                "trusted_origins", \.trustedOrigins, .trustedOrigins,
                "Origins whose web pages and desktop programs may use the gateway (CORS).",
                reloadable: true, default: "none", sample: "https://app.example.org,tauri://localhost"),
            Setting(
                "base_path", \.basePath, .basePath,
                "The path before all others of the gateway's: with /hf its address is https://HOST:PORT/hf.",
                default: "none: all is at the root", sample: "/hf"),
            Setting(
                "public_url", \.publicURL, .publicURLOrNothing,
                "The beginning of the URLs that the gateway writes, as clients reach it; its path, if it has one, is base_path.",
                default: "none: https:// and the request's Host", sample: "https://gate.example.org"),
            Setting(
                "console", \.console, .onOff,
                "Serves the console and the admin API (/-/console, /-/api/): with access = keys to keys of the role admin, with open on loopback addresses to this machine, else to nobody."
            ),
            Setting(
                "trusted_proxies", \.trustedProxies, .networks,
                "The load balancers whose Forwarded or X-Forwarded fields, or PROXY protocol, say where a client is.",
                reloadable: true, default: "none: the client is who connects", sample: "10.0.0.0/8"),
            Setting(
                "proxy_protocol", \.proxyProtocol, .onOff,
                "Whether each connection of trusted_proxies to listen begins with a PROXY protocol header, version 1 or 2.",
                reloadable: true),
        ])

    private static let hub = Group(
        title: "The Hub",
        settings: [
            Setting(
                "upstream", \.upstream, .upstreamAddressOrOff,
                "The address of the Hub; its path goes before those of requests. off: no Hub is called, and what cache_dir has is served.",
                aliases: ["HF_ENDPOINT"]),
            Setting(
                "upstream_plaintext", \.upstreamPlaintext, .onOff,
                "Allows an http upstream that is not loopback: the token then travels in clear."),
            Setting(
                "inference_upstream", \.inferenceUpstream, .upstreamAddressOrNothing,
                "The address of the inference router, which gets /v1/ and the providers' routes, and the same token as the Hub.",
                default: "https://router.huggingface.co where upstream is https://huggingface.co, else none"),
            Setting(
                "bill_to", \.billTo, .accountNameOrNothing,
                "The organisation that pays: X-HF-Bill-To of each relayed request, to the Hub and to the router, in the place of the client's.",
                reloadable: true, default: "none: the client's own field", sample: "acme"),
            Setting(
                "token", \.token, .secretOrNothing, "The Hub token that the gateway acts with.",
                reloadable: true, secret: true, default: "none",
                aliases: ["HF_ACCESS_TOKEN", "HF_TOKEN"], refusals: tokenRefusals),
            Setting(
                "token_file", \.tokenFile, .pathOrNothing, "A file that holds the Hub token and nothing else.",
                reloadable: true, default: "none", sample: "/run/secrets/hf_token"),
            Setting(
                "credentials_dir", \.credentials, .credentialsDirectoryOrNothing,
                "A directory of further Hub tokens, one file each. A gateway key acts with one by the file's name (`--as`).",
                reloadable: true, default: "none", sample: "/etc/hubgate/credentials"),
            Setting(
                "ca_file", \.authorities, .pathOrNothing, "The certificate authorities to trust upstream, in PEM.",
                default: "the system's", sample: "/etc/ssl/certs/ca-certificates.crt"),
            Setting(
                "upstream_proxy", \.upstreamProxy, .upstreamProxy,
                "The HTTP proxy for all calls (CONNECT), except those to loopback; off: none, even if the environment names one.",
                reloadable: true, secret: true, default: "what the environment names for https, else off",
                sample: "http://proxy.example.org:3128",
                conventions: ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            Setting(
                "upstream_proxy_file", \.upstreamProxyFile, .pathOrNothing,
                "A file that holds upstream_proxy, with its user and password, and nothing else.",
                reloadable: true, default: "none"),
            Setting(
                "no_proxy", \.noProxy, .noProxy, "Hosts that are called without the proxy.",
                reloadable: true, default: "none; that of the environment where upstream_proxy comes from there",
                sample: "internal.example.org,10.0.0.0/8", conventions: ["no_proxy", "NO_PROXY"]),
            Setting(
                "content_hosts", \.contentHosts, .domainNames,
                "Hosts where the Hub stores files: domains, and origins with a port. The gateway itself downloads from them and uploads to them.",
                reloadable: true),
            Setting(
                "xet", \.xet, .choice,
                "Xet, the store of large files: carry relays it, uploads does so for uploads alone, hide shows nothing of it, pass leaves its addresses as they are; auto is uploads with cache_dir, else carry.",
                reloadable: true),
            Setting(
                "strict_leaks", \.strictLeaks, .onOff,
                "Answers 502 where the Hub's response still leads a client to the Hub or a store; else that is only counted.",
                reloadable: true),
            Setting(
                "dns_server", \.nameServer, .nameServerOrNothing, "The DNS server that finds the Hub.",
                default: "those of /etc/resolv.conf", sample: "10.0.0.2:53"),
            Setting(
                "upstream_connections", \.upstreamConnections, .count(1...65_536),
                "The most calls to the Hub at once, of each worker, and an eighth more for keys or addresses with few of their own; those that wait for their "
                    + "clients are not counted."),
            Setting(
                "upstream_queue", \.upstreamQueue, .count(1...65_536),
                "The most requests of each worker that wait for such a call, at most connect_timeout; more get 503."),
            Setting(
                "account_cache_ttl", \.accountCacheTTL, .duration(second...hour, orOff: true),
                "How long each worker holds a response of /api/account before it asks the Hub again.", reloadable: true),
            Setting(
                "coalesce", \.coalesce, .onOff,
                "Makes one call, in each worker, of identical GETs of the Hub's API, and HEADs, that one identity sends at the same time.",
                reloadable: true),
        ])

    private static let times = Group(
        title: "Times",
        settings: [
            time(
                "connect_timeout", \.connectTimeout,
                "The longest wait for a connection to the Hub, TLS included, and before that for its turn to get one."),
            time(
                "first_byte_timeout", \.firstByteTimeout, "The longest wait for the first byte of the Hub's response."),
            time("stall_timeout", \.stallTimeout, "The longest silence of the Hub inside a response."),
            time(
                "inference_timeout", \.inferenceTimeout,
                "The longest wait for the first byte of the inference router's response, and its longest silence after that."
            ),
            Setting(
                "sse_keep_alive", \.sseKeepAlive, .duration(.milliseconds(100)...hour, orOff: true),
                "The silence of a model's stream (text/event-stream) after which the client gets a comment, so that proxies in between do not cut it.",
                reloadable: true),
            Setting(
                "request_timeout", \.requestTimeout, .duration(second...day, orOff: true),
                "The longest time for a request and its whole response, whatever their size and how long a model thinks.",
                reloadable: true),
            time("handshake_timeout", \.handshakeTimeout, "The longest wait for a client's TLS handshake."),
            time("head_timeout", \.headTimeout, "The longest time that a client takes to send a request's head."),
            time(
                "body_timeout", \.bodyTimeout,
                "The longest time in which a client sends less than 512 bytes of a relayed body; for a body that is held whole, the longest time for all of it."
            ),
            time(
                "idle_timeout", \.idleTimeout,
                "The longest time that a client's connection stays open between two requests."),
            time(
                "write_timeout", \.writeTimeout,
                "The longest time in which a client reads less than 512 bytes of its response, when calls or connections are scarce."
            ),
            time(
                "idle_download_timeout", \.idleDownloadTimeout,
                "The same when they are not scarce: data loaders pause for minutes. write_timeout counts if it is longer."
            ),
            time(
                "drain_timeout", \.drainTimeout,
                "The longest wait for requests to finish when the gateway is told to stop."),
            Setting(
                "drain_delay", \.drainDelay, .duration(.milliseconds(1)...hour, orOff: true),
                "How long it still accepts clients after that, with /-/ready at 503, so that load balancers notice.",
                reloadable: true),
        ])

    private static let limits = Group(
        title: "Limits",
        settings: [
            Setting(
                "body_limit", \.bodyLimit, .bytes(.kibibytes(1) ... .mebibytes(64)),
                "The largest body of a request to /api/account or /api/repo; relayed bodies have no limit.",
                reloadable: true),
            Setting(
                "head_limit", \.headLimit, .bytes(.kibibytes(1) ... .mebibytes(1)),
                "The largest head of a request: its line and header fields together.", reloadable: true),
            Setting(
                "target_limit", \.targetLimit, .bytes(.bytes(256) ... .mebibytes(1)),
                "The longest target of a request: path and query.", reloadable: true),
            Setting(
                "field_limit", \.fieldLimit, .count(1...10_000), "The most header fields of a request.",
                reloadable: true),
            Setting(
                "max_connections", \.maxConnections, .count(1...1_000_000),
                "The most connections of clients at once, to each worker.",
                reloadable: true),
            Setting(
                "max_connections_per_address", \.maxConnectionsPerAddress, .count(1...1_000_000, orOff: true),
                "The most connections from one client address at once, to each worker.", reloadable: true),
            Setting(
                "max_requests_per_connection", \.maxRequestsPerConnection, .count(1...1_000_000_000, orOff: true),
                "The most requests on one connection; the last response says Connection: close.", reloadable: true),
            Setting(
                "buffered_limit", \.bufferedLimit, .bytes(.mebibytes(1) ... .mebibytes(65_536)),
                "The most memory for all request bodies that a worker holds whole at once; more get 503.",
                reloadable: true),
        ])

    private static let operation = Group(
        title: "Operation",
        settings: [
            Setting(
                "workers", \.workers, .workerCount,
                "How many processes serve, each on one core; auto: one for each core that the gateway may use."),
            Setting("log_level", \.logLevel, .choice, "The least important messages to log.", reloadable: true),
            Setting(
                "log_format", \.logFormat, .choice,
                "How log lines are written; auto is text on a terminal, else JSON; ecs and otel are JSON with the names of the Elastic Common Schema or of OpenTelemetry."
            ),
            Setting(
                "access_log", \.accessLog, .onOff, "Writes one line in the log for each request.", reloadable: true),
            Setting(
                "sandbox", \.sandbox, .onOff,
                "Puts a small Hub in memory behind the gateway, to try it without a token or a network."),
            Setting(
                "sandbox_limits", \.sandboxLimits, .sandboxLimitsOrNothing,
                "The sandbox's rate limits, as the Hub's: requests of a kind in a window of time, for each token.",
                default: "none: nobody is refused", sample: "api=500/300s,resolvers=3000/300s,pages=100/300s"),
            Setting(
                "signing_key", \.signingKey, .secretOrNothing,
                "32 or more random characters: gateways with the same ones accept each other's signed URLs, over a restart too.",
                secret: true,
                default: "the Hub token; without one, signing.key in state_dir, made where that directory exists",
                refusals: keyRefusals),
            Setting(
                "signing_key_file", \.signingKeyFile, .pathOrNothing,
                "A file that holds signing_key and nothing else.", default: "none",
                sample: "/etc/hubgate/signing.key"),
            Setting(
                "state_dir", \.stateDirectory, .directory,
                "Where gateway keys are kept, in an SQLite database; needed with access = keys.",
                default: "/var/lib/hubgate; .state where that directory exists and no other is given"),
            Setting(
                "roles", \.roles, .teamRoles,
                "Named roles for gateway keys (`--role NAME`): the rules that each allows and denies.",
                reloadable: true, default: "none",
                sample: #"{data-team: {allow: ["read,search acme/*", "write dataset:acme/*"], deny: ["delete *"]}}"#),
            Setting(
                "user", \.user, .userNameOrNothing,
                "The user that the gateway becomes when root starts it, after it has its port and its key; root: it stays root.",
                default: "hubgate, else nobody; the user who starts it, if that is not root", sample: "hubgate"),
            Setting(
                "sandboxing", \.sandboxing, .onOff,
                "Takes from the gateway the system calls, files and ports that it does not need (seccomp, Landlock)."),
            Setting(
                "config", \.config, .pathOrNothing, "The settings file; one that is named has to exist.",
                reloadable: true,
                default: "config/hubgate.yaml, else /etc/hubgate/hubgate.yaml, else none",
                sample: "/etc/hubgate/hubgate.yaml",
                refusals: [.file: "a settings file cannot name another; use --config or HUBGATE_CONFIG"]),
        ])

    private static let second = Duration.seconds(1)
    private static let hour = Duration.seconds(3600)
    private static let day = Duration.seconds(86_400)

    private static func time(
        _ name: String, _ field: any WritableKeyPath<Settings, Duration> & Sendable, _ meaning: String
    ) -> Setting {
        Setting(name, field, .duration(.milliseconds(1)...hour), meaning, reloadable: true)
    }
}
