import EventIO
import Hub

/// The documents that are printed from the program's tables. A test fails when one in the repository is out of date.
enum SettingsDocument: String, CaseIterable, Sendable {
    case settings, sample, env, metrics, operations, openapi

    /// Its path in the repository.
    var path: String {
        switch self {
        case .settings: "docs/SETTINGS.md"
        case .sample: "config/hubgate.yaml"
        case .env: "SAMPLE_ENV"
        case .metrics: "docs/METRICS.md"
        case .operations: "docs/operations.md"
        case .openapi: "docs/openapi.json"
        }
    }

    var text: String {
        switch self {
        case .settings: Self.reference
        case .sample: Self.sampleFile
        case .env: Self.sampleEnvironment
        case .metrics: MetricsDocument.text
        case .operations: HubOperationsDocument.text
        case .openapi: OpenAPIDocument.text
        }
    }

    private static let sampleFile: String = {
        let head = """
            # hubgate's settings. Each line below shows a default, or an example where there is none; remove the # to
            # change it. Flags and environment variables win over this file; docs/SETTINGS.md has the rules.
            # Printed by `hubgate --print-docs sample`.

            """
        return head
            + SettingsTable.groups.map { group in
                "\n# ---- \(group.title) ----\n" + group.settings.map(sampleEntry).joined()
            }.joined()
    }()

    private static func sampleEntry(_ setting: Setting) -> String {
        if let refusal = setting.refusals[.file] {
            return "\n# No \(setting.name) here: \(refusal).\n"
        }
        return "\n" + comment(setting) + "# \(setting.name): \(setting.sample)\n"
    }

    private static let sampleEnvironment: String = {
        let head = """
            # hubgate's settings as environment variables. Copy this to .env in the working directory and remove the #
            # of what you change; the real environment wins over .env. An empty variable counts as absent.
            # Printed by `hubgate --print-docs env`.

            """
        return head
            + SettingsTable.groups.map { group in
                "\n# ---- \(group.title) ----\n"
                    + group.settings.map { setting in
                        let names = [setting.variable] + setting.aliases
                        return "\n" + comment(setting) + names.map { "# \($0)=\(setting.sample)\n" }.joined()
                    }.joined()
            }.joined()
    }()

    private static func comment(_ setting: Setting) -> String {
        let note = setting.defaultText == setting.sample ? "" : "# Default: \(setting.defaultText).\n"
        return "# \(setting.meaning)\n# Accepted: \(setting.accepted).\n" + note
    }
}
