import EventIO
import HTTP

extension SettingsTable {
    static let budget = Group(
        title: "The Hub's rate limit",
        settings: [
            Setting(
                "budget_wait", \.budgetWait, .duration(Duration.seconds(1)...Duration.seconds(3600), orOff: true),
                "How long a request waits when the Hub's rate limit is nearly or wholly used up, a HEAD at most 8s; then it gets 429. off: no request waits.",
                reloadable: true),
            Setting(
                "client_probes", \.clientProbes, .choice,
                "What huggingface_hub asks of its own accord, for telemetry and once a day: answered here, or relayed."),
        ])
}
