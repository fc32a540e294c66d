/// Several gateways that fetch a file from its store once, between them.
extension SettingsTable {
    static let peers = Group(
        title: "Replicas",
        settings: [
            Setting(
                "peers", \.peers, .peerOrigins,
                "The origins of all replicas, this one too, the same list on each: for a file that another one has to fetch it is asked before the store is.",
                reloadable: true, default: "none: this gateway asks the store itself",
                sample: "https://gate-1.example.org,https://gate-2.example.org"),
            Setting(
                "peer_self", \.peerSelf, .peerOriginOrNothing, "Which of peers this one is, as it stands there.",
                reloadable: true, default: "none", sample: "https://gate-1.example.org"),
            Setting(
                "peer_secret_file", \.peerSecret, .peerSecretOrNothing,
                "A file that holds a secret of 32 characters or more and nothing else, the same on all replicas: they sign what they ask each other with it.",
                reloadable: true, default: "none", sample: "/run/secrets/peer_secret"),
            Setting(
                "peer_ca_file", \.peerAuthorities, .pathOrNothing,
                "The certificate authorities to trust for peers, in PEM.", reloadable: true, default: "the system's",
                sample: "/etc/hubgate/peers.pem"),
        ])
}
